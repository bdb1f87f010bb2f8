import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerConfig } from '../config.ts';

/** Recorded output of commands; never inside a tree that an image unpacks into. */
export function execOutputDirectory(config: ServerConfig, instanceId: string): string {
  return join(config.stateDir, 'exec-output', instanceId);
}

export async function removeExecOutput(config: ServerConfig, instanceId: string): Promise<void> {
  await rm(execOutputDirectory(config, instanceId), { recursive: true, force: true });
}
