import { run } from '../host/run.ts';

const longMs = 60 * 60_000;

/** Owners, modes, times, hard links, extended attributes (file capabilities and ACLs among them), holes: all as they were. */
export async function copyTree(from: string, to: string): Promise<void> {
  const options = ['--archive', '--reflink=auto', '--sparse=auto', '--no-target-directory'];
  await run('cp', [...options, '--', from, to], { timeoutMs: longMs });
}
