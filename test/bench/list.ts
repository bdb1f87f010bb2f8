import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { openStore } from '../../apps/server/src/store/open-store.ts';
import { mintId } from '../../apps/server/src/store/mint-id.ts';
import { Session } from '../support/session.ts';
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
    const session = await new Session(server).setUp();
    const ask = (path: string) => async () => {
      const answer = await server.rest.get(path);
      return answer.body.metadata.length as number;
    };
    const lists: [string, () => Promise<number>][] = [
      ['with full state', ask('/1.0/instances?recursion=2')],
      ['without state', ask('/1.0/instances?recursion=1')],
      ['in the dashboard', async () => ((await session.query('instances.listFull', {})) as unknown[]).length],
    ];
    const lines: Line[] = [];
    for (const [name, list] of lists) lines.push(await timedList(name, count, list));
    const full = ask('/1.0/instances?recursion=2');
    const beforeMib = residentMib(server.pid);
    for (let run = 0; run < 50; run++) await full();
    return [
      ...lines,
      {
        name: `memory growth over 50 more lists`,
        value: residentMib(server.pid) - beforeMib,
        unit: 'MiB',
        target: 20,
        detail: `resident, ${beforeMib.toFixed(0)} MiB before`,
      },
    ];
  } finally {
    await server.destroy();
  }
}

async function timedList(name: string, count: number, list: () => Promise<number>): Promise<Line> {
  const times: number[] = [];
  for (let run = -2; run < 15; run++) {
    const ms = await timeMs(async () => {
      const length = await list();
      if (length !== count) throw new Error(`${length} instances instead of ${count}`);
    });
    if (run >= 0) times.push(ms);
  }
  return {
    name: `list of ${count} ${name}`,
    value: median(times),
    unit: 'ms',
    target: 150,
    detail: `${times.length} requests`,
  };
}
