import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDomainError, messageOf } from '@stapes/contract/errors';
import { lockStateDir } from '../host/lock.ts';
import { HostServer } from './host-server.ts';
import { hostSocketPath } from './socket-path.ts';

/** Main program of the terminal host: `terminal-host <state directory>`. It outlives whoever started it. */
async function main(): Promise<void> {
  const stateDir = resolve(process.argv[2] ?? '');
  process.title = `stapes-terminals ${stateDir}`;
  const runDir = join(stateDir, 'run');
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  try {
    lockStateDir(runDir);
  } catch (error) {
    if (isDomainError(error) && error.code === 'in-use') return; // another one was faster
    throw error;
  }
  const idleAfterMs = Number(process.env['STAPES_TERMINALS_IDLE_MS'] ?? 60_000);
  const server = new HostServer({ socketPath: hostSocketPath(stateDir), idleAfterMs, onIdle: () => process.exit(0) });
  // A terminal must not take the others with it.
  process.on('uncaughtException', (error) => console.error('uncaught exception', error));
  process.on('unhandledRejection', (error) => console.error('unhandled rejection', error));
  process.on('SIGHUP', () => undefined);
  process.on('SIGTERM', () => server.end());
  await server.listen();
}

main().catch((error: unknown) => {
  console.error(`stapes terminals: ${messageOf(error)}`);
  process.exit(1);
});
