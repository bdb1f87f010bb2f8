import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { openStore } from '../../apps/server/src/store/open-store.ts';
import { mintId } from '../../apps/server/src/store/mint-id.ts';
import { root, TestServer } from '../support/server.ts';
import { median, timeMs, type Line } from './measure.ts';
import { residentMib } from './main.ts';

/** Full list of so many instances (rows of stopped ones, written before the start), in one request. */
export async function listOfMany(count: number): Promise<Line[]> {
  const stateDir = mkdtempSync('/var/tmp/stapes-bench-');
  const server = new TestServer(stateDir);
  try {
    await server.start(); // makes the database, the pool and the profile
    await server.kill('SIGTERM');
    mkdirSync(join(stateDir, 'database'), { recursive: true });
    const store = await openStore({
      file: join(stateDir, 'database', 'stapes.db'),
      migrationsDir: join(root, 'prisma/sqlite/migrations'),
      backupsDir: join(stateDir, 'database', 'backups'),
      log: pino({ level: 'silent' }),
    });
    const pool = (await store.pools.list())[0];
    if (!pool) throw new Error('no pool');
    for (let index = 0; index < count; index++) {
      await store.instances.create({
        id: mintId(),
        project: 'default',
        name: `row-${index}`,
        description: '',
        type: 'container',
        architecture: 'x86_64',
        ephemeral: false,
        profiles: ['default'],
        config: { 'image.os': 'Debian', 'limits.memory': '512MiB', 'boot.autostart': 'false' },
        devices: {},
        phase: 'ready',
        desired: 'stopped',
        poolId: pool.id,
        volumeId: mintId(),
        imageFingerprint: null,
        metadata: null,
        templates: {},
        createdAtMs: Date.now(),
        lastUsedAtMs: 0,
      });
    }
    await store.close();
    await server.start();
    const times: number[] = [];
    await server.rest.get('/1.0/instances?recursion=2');
    const beforeMib = residentMib(server.pid);
    for (let run = 0; run < 11; run++) {
      times.push(
        await timeMs(async () => {
          const answer = await server.rest.get('/1.0/instances?recursion=2');
          if (answer.body.metadata.length !== count)
            throw new Error(`${answer.body.metadata.length} instances instead of ${count}`);
        }),
      );
    }
    return [
      {
        name: `list of ${count} with full state`,
        value: median(times),
        unit: 'ms',
        target: 150,
        detail: `${times.length} requests over the unix socket`,
      },
      {
        name: `memory growth over these lists`,
        value: residentMib(server.pid) - beforeMib,
        unit: 'MiB',
        target: 40,
        detail: 'resident',
      },
    ];
  } finally {
    await server.destroy();
  }
}
