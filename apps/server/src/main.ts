import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDomainError, messageOf } from '@stapes/contract/errors';
import { keepInheritedDescriptors } from '@stapes/runtime/host/inherited';
import { lockStateDir } from '@stapes/runtime/host/lock';
import { trimMemory } from '@stapes/runtime/host/memory';
import { composeServer } from './compose-server.ts';
import { loadConfig } from './config.ts';
import { createLog } from './log.ts';

/** Where this checkout lies, seen from `apps/server/{src,dist}/main.*`. */
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

const trimFirstMs = 2_000;
const trimEveryMs = 60_000;

async function main(): Promise<void> {
  keepInheritedDescriptors();
  const config = loadConfig(process.env, join(root, 'apps/web/out'));
  const log = createLog(config.logLevel);
  const lock = lockStateDir(config.stateDir);
  const server = await composeServer({ config, log, root });
  let isStopping = false;
  const stop = async (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    // What init gets when the power fails, and scripts/stop-service sends when the host goes down.
    const hostGoesDown = signal === 'SIGPWR';
    log.info({ signal }, hostGoesDown ? 'the host goes down: stopping instances' : 'stopping; instances go on');
    await server.close({ hostGoesDown });
    lock.release();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGPWR'] as const) process.on(signal, () => void stop(signal));
  // One bad request never ends the process: what gets here is a bug, and is told.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => log.error({ err: error }, 'uncaught exception'));
  setTimeout(trimMemory, trimFirstMs).unref();
  setInterval(trimMemory, trimEveryMs).unref();
  console.log(`\nStapes is ready: ${server.setupUrl ?? server.url}\n`);
  if (server.setupUrl) console.log('The link works once; it lets you choose a passphrase or a passkey.\n');
}

main().catch((error: unknown) => {
  console.error(`stapes: ${messageOf(error)}`);
  if (!isDomainError(error)) console.error(error);
  process.exit(1);
});
