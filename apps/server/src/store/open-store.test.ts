import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mintId } from './mint-id.ts';
import { openStore } from './open-store.ts';
import type { InstanceRow, OperationRow, Store } from './store.ts';

const shippedMigrations = resolve(import.meta.dirname, '../../../../prisma/sqlite/migrations');
let dir = '';
let migrationsDir = '';
let warnings: object[] = [];
const file = () => join(dir, 'database/stapes.db');
const open = (): Promise<Store> =>
  openStore({
    file: file(),
    migrationsDir,
    backupsDir: join(dir, 'backups'),
    log: { warn: (details) => warnings.push(details) },
  });
/** SQL behind the store's back. */
function raw(sql: string): unknown[] {
  const database = new Database(file());
  try {
    if (/^(select|pragma)/i.test(sql)) return database.prepare(sql).all();
    database.exec(sql);
    return [];
  } finally {
    database.close();
  }
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stapes-store-'));
  migrationsDir = join(dir, 'migrations');
  cpSync(shippedMigrations, migrationsDir, { recursive: true });
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function instanceRow(change: Partial<InstanceRow> = {}): InstanceRow {
  return {
    id: mintId(),
    project: 'default',
    name: 'web1',
    description: 'a "quoted" one',
    type: 'container',
    architecture: 'x86_64',
    ephemeral: false,
    profiles: ['default'],
    config: { 'limits.cpu': '2', 'user.text': 'ä\n"' },
    devices: { eth0: { type: 'nic', network: 'br0' } },
    phase: 'ready',
    desired: 'running',
    poolId: mintId(),
    volumeId: mintId(),
    imageFingerprint: null,
    metadata: {
      architecture: 'x86_64',
      creation_date: 1,
      templates: { '/etc/hostname': { when: ['create'], template: 'hostname.tpl' } },
    },
    templates: { 'hostname.tpl': '{{ container.name }}' },
    createdAtMs: 1_764_000_000_123,
    lastUsedAtMs: 0,
    ...change,
  };
}
function operationRow(change: Partial<OperationRow> = {}): OperationRow {
  return {
    id: mintId(),
    kind: 'test',
    class: 'task',
    durable: true,
    description: 'Testing',
    project: 'default',
    requestor: 'root (unix)',
    params: { name: 'a', list: [1, null] },
    locks: ['instance:a'],
    resources: { instances: ['/1.0/instances/a'] },
    metadata: {},
    status: 'Running',
    stuck: false,
    errorCode: '',
    error: '',
    createdAtMs: 1_764_000_000_000,
    updatedAtMs: 1_764_000_000_000,
    ...change,
  };
}

describe('rows', () => {
  it('come back as they were put, also after a restart', async () => {
    const store = await open();
    const row = instanceRow();
    await store.instances.create(row);
    await store.close();
    const again = await open();
    expect(await again.instances.get(row.id)).toEqual(row);
    expect(await again.instances.findByName('default', 'web1')).toEqual(row);
    expect(await again.instances.findByName('other', 'web1')).toBeNull();
    const changed = await again.instances.update(row.id, { name: 'web2', config: { 'limits.cpu': '4' } });
    expect(changed).toEqual({ ...row, name: 'web2', config: { 'limits.cpu': '4' } });
    await again.instances.remove(row.id);
    await again.instances.remove(row.id);
    expect(await again.instances.list()).toEqual([]);
    await again.close();
  });

  it('say clearly what is taken or missing', async () => {
    const store = await open();
    await store.instances.create(instanceRow());
    await store.instances.create(instanceRow({ project: 'other' }));
    await expect(store.instances.create(instanceRow())).rejects.toMatchObject({
      code: 'exists',
      message: expect.stringContaining('"web1"'),
    });
    const second = instanceRow({ name: 'web2' });
    await store.instances.create(second);
    await expect(store.instances.update(second.id, { name: 'web1' })).rejects.toMatchObject({ code: 'exists' });
    await expect(store.instances.update('nobody', { name: 'x' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(store.instances.get('nobody')).rejects.toMatchObject({ code: 'not-found' });
    expect(await store.instances.find('nobody')).toBeNull();
    await store.close();
  });

  it('are kept for every noun', async () => {
    const store = await open();
    const instance = instanceRow();
    await store.instances.create(instance);
    const snapshot = {
      id: mintId(),
      instanceId: instance.id,
      name: 's',
      description: '',
      config: {},
      devices: {},
      profiles: [],
      ephemeral: false,
      phase: 'ready' as const,
      createdAtMs: 1,
      expiresAtMs: null,
    };
    await store.snapshots.create(snapshot);
    expect(await store.snapshots.ofInstance(instance.id)).toEqual([snapshot]);
    expect(await store.snapshots.findByName(instance.id, 's')).toEqual(snapshot);
    const image = {
      fingerprint: 'ab'.repeat(32),
      filename: 'f',
      sizeBytes: 9e12,
      type: 'container' as const,
      architecture: 'x86_64',
      public: false,
      cached: true,
      properties: { os: 'debian' },
      metadata: { architecture: 'x86_64', creation_date: 1 },
      templates: {},
      split: true,
      phase: 'ready' as const,
      createdAtMs: 1,
      uploadedAtMs: 2,
      expiresAtMs: null,
      lastUsedAtMs: 3,
    };
    await store.images.create(image);
    await store.aliases.create({
      name: 'debian/12',
      description: '',
      type: 'container',
      fingerprint: image.fingerprint,
    });
    expect(await store.images.findByPrefix('abab')).toEqual([image]);
    expect(await store.images.findByPrefix('b')).toEqual([]);
    expect(await store.aliases.ofImage(image.fingerprint)).toHaveLength(1);
    await store.images.remove(image.fingerprint);
    expect(await store.aliases.list()).toEqual([]);
    await store.profiles.create({
      id: mintId(),
      project: 'default',
      name: 'default',
      description: '',
      config: {},
      devices: { root: { type: 'disk' } },
    });
    expect((await store.profiles.findByName('default', 'default'))?.devices).toEqual({ root: { type: 'disk' } });
    await store.networks.create({
      id: mintId(),
      name: 'br0',
      description: '',
      type: 'bridge',
      config: {},
      phase: 'ready',
    });
    expect(await store.networks.findByName('br0')).not.toBeNull();
    await store.pools.create({
      id: mintId(),
      name: 'local',
      description: '',
      driver: 'btrfs',
      config: {},
      phase: 'ready',
    });
    expect(await store.pools.findByName('local')).toMatchObject({ driver: 'btrfs' });
    const user = { id: mintId(), name: 'admin', passphraseHash: null };
    await store.users.create(user);
    await store.sessions.create({
      tokenHash: 'h',
      id: 'i',
      userId: user.id,
      createdAtMs: 1,
      lastSeenAtMs: 1,
      expiresAtMs: 100,
      address: '::1',
      userAgent: '',
    });
    await store.sessions.removeExpired(99);
    expect(await store.sessions.ofUser(user.id)).toHaveLength(1);
    await store.sessions.removeExpired(100);
    expect(await store.sessions.ofUser(user.id)).toEqual([]);
    const passkey = {
      credentialId: 'c',
      userId: user.id,
      name: 'key',
      publicKey: new Uint8Array([0, 255, 7]),
      counter: 4_294_967_295,
      transports: ['usb'],
      createdAtMs: 1,
    };
    await store.passkeys.create(passkey);
    const found = await store.passkeys.get('c');
    expect({ ...found, publicKey: [...found.publicKey] }).toEqual({ ...passkey, publicKey: [0, 255, 7] });
    await store.settings.set('core.https_address', ':8443');
    await store.settings.set('core.https_address', ':8444');
    expect(await store.settings.all()).toEqual({ 'core.https_address': ':8444' });
    await store.settings.set('core.https_address', null);
    expect(await store.settings.all()).toEqual({});
    await store.close();
  });

  it('that are corrupt are left out of lists and reported', async () => {
    const store = await open();
    const good = instanceRow({ name: 'good' });
    const bad = [
      instanceRow({ name: 'bad-json' }),
      instanceRow({ name: 'bad-shape' }),
      instanceRow({ name: 'bad-type' }),
    ] as const;
    for (const row of [good, ...bad]) await store.instances.create(row);
    raw(`UPDATE instances SET config = '{"a":' WHERE name = 'bad-json'`);
    raw(`UPDATE instances SET devices = '[1]' WHERE name = 'bad-shape'`);
    raw(`UPDATE instances SET createdAtMs = 'yesterday' WHERE name = 'bad-type'`);
    expect(await store.instances.list()).toEqual([good]);
    expect(
      store
        .unreadable()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(bad.map(({ id }) => id).sort());
    await expect(store.instances.get(bad[0].id)).rejects.toMatchObject({ code: 'internal' });
    await store.instances.list();
    expect(store.unreadable()).toHaveLength(3);
    expect(warnings).toHaveLength(3);
    await store.close();
  });

  it('are listed by the thousand in one query', async () => {
    const store = await open();
    const rows = Array.from({ length: 1000 }, (_, index) =>
      instanceRow({ name: `i${String(index).padStart(4, '0')}` }),
    );
    for (const row of rows) await store.instances.create(row);
    expect(await store.instances.list()).toEqual(rows);
    await store.close();
  });
});

describe('operations', () => {
  it('keep their log in order and in one transaction with the row', async () => {
    const store = await open();
    const operation = operationRow();
    await store.operationLog.record({
      create: operation,
      log: [{ operationId: operation.id, step: 'a', event: 'started', text: '', atMs: 5 }],
    });
    await store.operationLog.append({ operationId: operation.id, step: 'a', event: 'done', text: 'é', atMs: 6 });
    await store.operationLog.record({
      update: { id: operation.id, change: { status: 'Success' } },
      log: [{ operationId: operation.id, step: 'b', event: 'started', text: '', atMs: 7 }],
    });
    const log = await store.operationLog.of(operation.id);
    expect(log.map(({ step, event }) => `${step} ${event}`)).toEqual(['a started', 'a done', 'b started']);
    expect(log[1]).toMatchObject({ text: 'é', atMs: 6 });
    expect(await store.operations.get(operation.id)).toEqual({ ...operation, status: 'Success' });
    const orphan = { operationId: 'nobody', step: 'a', event: 'started' as const, text: '', atMs: 1 };
    const refused = operationRow();
    await expect(store.operationLog.record({ create: refused, log: [orphan] })).rejects.toThrow();
    expect(await store.operations.find(refused.id)).toBeNull();
    await store.close();
  });

  it('are found when unfinished or stuck, newest first, and forgotten when old', async () => {
    const store = await open();
    const running = operationRow({ createdAtMs: 1 });
    const stuck = operationRow({ createdAtMs: 2, status: 'Failure', stuck: true });
    const done = operationRow({ createdAtMs: 3, status: 'Success' });
    for (const row of [running, stuck, done]) await store.operations.create(row);
    expect((await store.operations.unfinished()).map(({ id }) => id)).toEqual([running.id, stuck.id]);
    expect((await store.operations.newest(2)).map(({ id }) => id)).toEqual([done.id, stuck.id]);
    await store.operations.removeOlderThan(10);
    expect((await store.operations.newest(9)).map(({ id }) => id)).toEqual([stuck.id, running.id]);
    await store.close();
  });
});

describe('the database', () => {
  it('waits for nothing less than the disk, in every transaction', async () => {
    const store = await open();
    await store.operationLog.record({ create: operationRow() });
    await store.close();
    const { openDatabase } = await import('./connection.ts');
    const database = openDatabase(file());
    const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0] as unknown;
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys'), pragma('busy_timeout')]).toEqual([
      'wal',
      2,
      1,
      5000,
    ]);
    database.close();
  });

  it('has the columns that the models have', async () => {
    const store = await open();
    for (const table of [
      store.instances,
      store.snapshots,
      store.images,
      store.aliases,
      store.profiles,
      store.networks,
      store.pools,
      store.users,
      store.sessions,
      store.passkeys,
      store.operations,
    ]) {
      expect(await table.list()).toEqual([]);
    }
    expect(store.unreadable()).toEqual([]);
    await store.close();
  });

  it('is migrated with a copy made before, and the last five copies are kept', async () => {
    await (await open()).close();
    expect(() => readdirSync(join(dir, 'backups'))).toThrow();
    for (let round = 1; round <= 7; round++) {
      mkdirSync(join(migrationsDir, `30000101000000_${round}`));
      writeFileSync(
        join(migrationsDir, `30000101000000_${round}`, 'migration.sql'),
        `ALTER TABLE "settings" ADD COLUMN "extra${round}" TEXT;`,
      );
      await (await open()).close();
    }
    const backups = readdirSync(join(dir, 'backups')).sort();
    expect(backups).toHaveLength(5);
    const last = new Database(join(dir, 'backups', backups.at(-1) ?? ''));
    expect(last.prepare('SELECT count(*) AS n FROM _prisma_migrations').get()).toMatchObject({ n: 7 });
    last.close();
    expect(raw('SELECT count(*) AS n FROM _prisma_migrations')).toEqual([{ n: 8 }]);
  });

  it('is left as it was by a migration that fails half-way', async () => {
    await (await open()).close();
    mkdirSync(join(migrationsDir, '30000101000000_bad'));
    writeFileSync(
      join(migrationsDir, '30000101000000_bad', 'migration.sql'),
      'CREATE TABLE "half" (a TEXT);\nINSERT INTO nowhere VALUES (1);',
    );
    await expect(open()).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('30000101000000_bad failed and was undone'),
    });
    expect(raw(`SELECT name FROM sqlite_schema WHERE name = 'half'`)).toEqual([]);
    rmSync(join(migrationsDir, '30000101000000_bad'), { recursive: true });
    await (await open()).close();
  });

  it('is refused when it is newer than the program, or made with other migrations', async () => {
    await (await open()).close();
    raw(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'y', '40000101000000_future', 1)`,
    );
    await expect(open()).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/newer than this program.*40000101000000_future/),
    });
    raw(`DELETE FROM _prisma_migrations WHERE id = 'x'`);
    writeFileSync(join(migrationsDir, readdirSync(migrationsDir).sort()[0] ?? '', 'migration.sql'), '-- changed');
    await expect(open()).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('is not the one'),
    });
  });

  it('that is no database is refused with where to find copies', async () => {
    mkdirSync(join(dir, 'database'));
    writeFileSync(file(), 'not a database at all, '.repeat(100));
    await expect(open()).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining(file()) });
  });
});

it('mints ids that are safe as names everywhere', () => {
  const ids = Array.from({ length: 500 }, mintId);
  for (const id of ids) expect(id).toMatch(/^[a-z][a-z0-9]{15}$/);
  expect(new Set(ids).size).toBe(500);
});
