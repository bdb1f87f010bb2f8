import { join } from 'node:path';
import { createRuntime } from '@stapes/runtime/create-runtime';
import { createServices } from './compose.ts';
import type { ServerConfig } from './config.ts';
import { createEventHub } from './events/event-hub.ts';
import { startDoors } from './http/doors.ts';
import type { Log } from './log.ts';
import { openStore } from './store/open-store.ts';

export interface RunningServer {
  url: string;
  /** One-time link, while nobody has set up the server. */
  setupUrl: string | null;
  /** With `hostGoesDown` instances are shut down, to start again at the next boot. */
  close(options: { hostGoesDown: boolean }): Promise<void>;
}

/** The start order: store, runtime, services (recover, reconcile, watch, autostart), doors. */
export async function composeServer(deps: { config: ServerConfig; log: Log; root: string }): Promise<RunningServer> {
  const { config, log, root } = deps;
  const store = await openStore({
    file: join(config.stateDir, 'database', 'stapes.db'),
    migrationsDir: join(root, 'prisma/sqlite/migrations'),
    backupsDir: join(config.stateDir, 'database', 'backups'),
    log,
  });
  const runtime = createRuntime({
    stateDir: config.stateDir,
    cacheDir: config.cacheDir,
    terminalHostEntry: [process.execPath, join(root, 'apps/server/dist/terminal-host.js')],
  });
  const events = createEventHub();
  const services = createServices({ config, log, store, runtime, events });
  await services.start();
  const doors = await startDoors({ config, log, store, services: services.services });
  return {
    url: doors.url,
    setupUrl: doors.setupUrl,
    async close(options) {
      await doors.close();
      await services.stop(options);
      await store.close();
    },
  };
}
