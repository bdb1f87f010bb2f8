import { spawnProcess } from './run.ts';

/** Runs work while a process of its own sits in new namespaces (`--user`, `--mount`); null when the kernel refuses those. */
export async function withNamespaces<T>(kinds: readonly string[], work: (pid: number) => T): Promise<T | null> {
  const child = spawnProcess('unshare', [...kinds, '--', 'sh', '-c', 'echo ready; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((done) => child.on('close', () => done()).on('error', () => done()));
  try {
    const ready = await Promise.race([
      new Promise<boolean>((done) => child.stdout?.once('data', () => done(true))),
      ended.then(() => false),
    ]);
    return ready && child.pid !== undefined ? work(child.pid) : null;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}
