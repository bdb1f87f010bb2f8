import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createEventHub } from '../events/event-hub.ts';
import { openStore } from '../store/open-store.ts';
import { createEngine } from './engine.ts';
import type { Saga, Step } from './saga.ts';

/** A server in small for sigkill.test.ts: recovers, starts a saga that makes directories when told to, and stops dead where it is told to. */
interface Params {
  dir: string;
}
const [dir = '', action = '', hangAt = '', failAt = ''] = process.argv.slice(2);

async function maybeHang(where: string): Promise<void> {
  if (where !== hangAt) return;
  process.stdout.write('hanging\n');
  await new Promise<never>(() => setInterval(() => undefined, 60_000));
}
function makeDirectory(name: string): Step<Params> {
  return {
    name,
    async run(params) {
      mkdirSync(join(params.dir, name), { recursive: true });
      await maybeHang(`run ${name}`);
      if (name === failAt) throw new Error('as told');
    },
    async undo(params) {
      try {
        rmdirSync(join(params.dir, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      await maybeHang(`undo ${name}`);
    },
  };
}
const saga: Saga<Params> = {
  kind: 'fixture',
  params: z.object({ dir: z.string() }),
  steps: ['one', 'two', 'three'].map(makeDirectory),
};

const store = await openStore({
  file: join(dir, 'stapes.db'),
  migrationsDir: join(import.meta.dirname, '../../../../prisma/sqlite/migrations'),
  backupsDir: join(dir, 'backups'),
  log: { warn: () => undefined },
});
const engine = createEngine({ store, events: createEventHub(), sagas: [saga as Saga<unknown>] });
await engine.recover();
if (action === 'start') {
  const identity = { username: 'root', protocol: 'unix' as const };
  await engine.startSaga(
    { identity, project: 'default', requestId: '', address: '@' },
    saga,
    { dir: join(dir, 'made') },
    { description: 'x', locks: [], resources: {} },
  );
}
await engine.idle();
const rows = await store.operations.list();
process.stdout.write(`${JSON.stringify(rows.map(({ status, stuck }) => `${status}${stuck ? ' stuck' : ''}`))}\n`);
await engine.close();
await store.close();
