import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Operation } from '@stapes/contract/operation';
import { DomainError } from '@stapes/contract/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import Database from 'libsql';
import { createServices, type RunningServices } from '../compose.ts';
import { ensureCertificate } from '../http/certificate.ts';
import { context, disposeSagaWorld, furnish, image, makeSagaWorld, type SagaWorld } from '../sagas/saga-world.ts';

let world: SagaWorld;
let running: RunningServices;

const restart = async (): Promise<void> => {
  await running.stop();
  running = createServices(world.deps);
  await running.start();
};
const ended = async (operation: Operation | Promise<Operation>) =>
  running.services.operations.wait(context, (await operation).id, -1);
const done = async (operation: Operation | Promise<Operation>) => {
  const end = await ended(operation);
  expect(end).toMatchObject({ err: '', status: 'Success' });
  return end;
};
const create = (name: string, more: object = {}) =>
  running.services.instances.create(context, { name, source: { type: 'image', fingerprint: 'aaaa' }, ...more });
const statusOf = async (name: string) => (await running.services.instances.get(context, name)).value.status;
const refusal = (code: string, field: string) => ({ code, details: { field } });

beforeEach(async () => {
  world = await makeSagaWorld('stapes.db');
  await furnish(world);
  await world.store.settings.set('state.defaults', '1');
  running = createServices(world.deps);
  await running.start();
});
afterEach(async () => {
  await running.stop();
  await disposeSagaWorld(world);
});

describe('who asks', () => {
  test('strangers get nothing, other projects do not exist', async () => {
    const stranger = { ...context, identity: { username: '', protocol: 'none' as const } };
    const { services } = running;
    await expect(services.instances.list(stranger)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(services.images.list(stranger)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await services.server.info(stranger)).value).not.toHaveProperty('environment');
    await expect(services.instances.list({ ...context, project: 'other' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('bad input lands on its field', () => {
  test.each([
    [{ name: 'bad_name' }, refusal('invalid', 'name')],
    [{ config: { 'limits.cpu': 'many' } }, refusal('invalid', 'config.limits.cpu')],
    [{ config: { 'volatile.uuid': 'mine' } }, refusal('invalid', 'config.volatile.uuid')],
    [{ config: { 'environment.X': 'a\nlxc.hook.start=/bin/x' } }, refusal('invalid', 'config.environment.X')],
    [
      { devices: { data: { type: 'disk', path: 'relative', source: '/srv' } } },
      refusal('invalid', 'devices.data.path'),
    ],
    [{ devices: { eth0: { type: 'nic', network: 'gone' } } }, refusal('not-found', 'devices.eth0.network')],
    [
      { devices: { eth0: { type: 'nic', network: 'testbr0', 'ipv4.address': '192.0.2.1' } } },
      refusal('invalid', 'devices.eth0.ipv4.address'),
    ],
    [{ profiles: ['gone'] }, refusal('not-found', 'profiles')],
    [{ profiles: [] }, refusal('invalid', 'devices.root')],
    [{ source: { type: 'image', alias: 'gone' } }, refusal('not-found', 'source.alias')],
    [{ source: { type: 'image', fingerprint: 'bbbb' } }, refusal('not-found', 'source.fingerprint')],
    [{ source: { type: 'copy', source: 'gone' } }, refusal('not-found', 'source.source')],
    [{ type: 'virtual-machine' }, refusal('unsupported', 'type')],
  ])('%j', async (request, error) => {
    await expect(create('web', request)).rejects.toMatchObject(error);
    expect(await world.store.instances.list()).toEqual([]);
  });
});

describe('instances', () => {
  test('a preview changes nothing and says what would be', async () => {
    const { instances } = running.services;
    const request = {
      name: 'web',
      source: { type: 'image', fingerprint: 'aaaa' },
      config: { 'limits.cpu': '2' },
      start: true,
    };
    const preview = await instances.preview(context, request);
    expect(preview.instance.expanded_devices['eth0']).toMatchObject({ network: 'testbr0' });
    expect(preview.command).toEqual(['lxc', 'launch', 'aaaa', 'web', '--config', 'limits.cpu=2']);
    expect(await world.store.instances.list()).toEqual([]);
  });

  test('twenty at once have ids and addresses of their own; a name is given once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `web${index}`);
    const operations = await Promise.all(
      names.map((name) => create(name, { config: { 'security.idmap.isolated': 'true' }, start: true })),
    );
    await expect(create('web0')).rejects.toMatchObject({ code: expect.stringMatching(/busy|exists/) });
    for (const operation of operations) await done(operation);
    const rows = await world.store.instances.list();
    for (const key of ['volatile.idmap.base', 'volatile.eth0.hwaddr', 'volatile.eth0.host_name']) {
      expect(new Set(rows.map(({ config }) => config[key])).size).toBe(20);
    }
    const full = await running.services.instances.listFull(context);
    expect(full.map(({ status }) => status)).toEqual(names.map(() => 'Running'));
    expect(full[0]?.state.disk).toHaveProperty('root');
  });

  test('a start that fails leaves nothing of a create behind', async () => {
    world.instances.failNext('ensureStarted', new DomainError('internal', 'init is missing'));
    const end = await ended(create('web', { start: true }));
    expect(end).toMatchObject({ status: 'Failure', err: 'init is missing' });
    expect(await world.store.instances.list()).toEqual([]);
    expect(world.instances.traces()).toEqual([]);
  });

  test('one that does not shut down is told of, and force ends it', async () => {
    const { instances } = running.services;
    await done(create('web', { start: true }));
    const { id } = (await world.store.instances.list())[0] ?? { id: '' };
    world.instances.setStubborn({ id }, true);
    const stop = await ended(instances.setState(context, 'web', { action: 'stop', timeout: 1 }));
    expect(stop.err).toMatch(/did not shut down within 1 seconds/);
    expect(await statusOf('web')).toBe('Running');
    await done(instances.setState(context, 'web', { action: 'stop', timeout: 1, force: true }));
    expect((await ended(instances.setState(context, 'web', { action: 'stop' }))).err).toMatch(/not running/);
  });

  test('a change needs the current tag, applies live keys and names those that wait', async () => {
    const { instances } = running.services;
    await done(create('web', { start: true }));
    const { etag } = await instances.get(context, 'web');
    const end = await done(
      instances.patch(context, 'web', { config: { 'limits.processes': '50', 'security.nesting': 'true' } }, etag),
    );
    expect(end.metadata?.['pending_restart']).toEqual(['security.nesting']);
    const { id } = (await world.store.instances.list())[0] ?? { id: '' };
    expect(world.instances.limitsOf({ id })?.processes).toBe(50);
    await expect(instances.patch(context, 'web', {}, etag)).rejects.toMatchObject({ code: 'precondition' });
    await expect(instances.patch(context, 'web', { config: { 'volatile.uuid': 'x' } })).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  test('a copy of a protected one can be deleted only when it allows it', async () => {
    const { instances } = running.services;
    await done(create('web', { config: { 'security.protection.delete': 'true' } }));
    await done(create('copy', { source: { type: 'copy', source: 'web' } }));
    await expect(instances.remove(context, 'copy')).rejects.toMatchObject({ code: 'forbidden' });
    await done(instances.patch(context, 'copy', { config: { 'security.protection.delete': '' } }));
    await done(instances.remove(context, 'copy'));
    expect((await instances.list(context)).map(({ name }) => name)).toEqual(['web']);
  });

  test('profiles reach those who use them and stay while used', async () => {
    const { profiles } = running.services;
    await done(create('web', { start: true }));
    const { value } = await profiles.get(context, 'default');
    await profiles.put(context, 'default', { ...value, config: { 'limits.processes': '77' } });
    const { id } = (await world.store.instances.list())[0] ?? { id: '' };
    expect(world.instances.limitsOf({ id })?.processes).toBe(77);
    await profiles.create(context, { name: 'extra' });
    await done(running.services.instances.patch(context, 'web', { profiles: ['default', 'extra'] }));
    await expect(profiles.remove(context, 'extra')).rejects.toMatchObject({ code: 'in-use' });
    await profiles.rename(context, 'extra', 'more');
    expect((await running.services.instances.get(context, 'web')).value.profiles).toEqual(['default', 'more']);
  });
});

test.each(['alias', 'fingerprint'])(
  'an %s that only a recipe has is built first, in the same operation',
  async (key) => {
    const { images, instances } = running.services;
    expect((await images.get(context, 'tiny')).value).toMatchObject({ fingerprint: 'tiny', type: 'container' });
    await done(create('web', { source: { type: 'image', [key]: 'tiny' }, start: true }));
    expect((await images.list(context)).flatMap(({ aliases }) => aliases.map(({ name }) => name))).toEqual(['tiny']);
    expect((await images.get(context, (await images.alias(context, 'tiny')).value.target)).value.size).toBeGreaterThan(
      0,
    );
    await done(create('next', { source: { type: 'image', alias: 'tiny' } }));
    expect(await images.list(context)).toHaveLength(2);
    const prints = (await instances.list(context)).map(({ config }) => config['volatile.base_image']);
    expect(new Set(prints).size).toBe(1);
  },
);

describe('copies', () => {
  const snapshotsOf = async (name: string) =>
    (await running.services.snapshots.list(context, name)).map((found) => found.name);
  const copy = (name: string, more: object = {}, devices: object = {}) =>
    create(name, { source: { type: 'copy', source: 'web', ...more }, devices });
  beforeEach(async () => {
    await done(create('web'));
    await done(running.services.snapshots.create(context, 'web', { name: 'one' }));
  });
  test('take the snapshots along unless they are of the instance only, or of a snapshot', async () => {
    await done(copy('all'));
    await done(copy('only', { instance_only: true }));
    await done(copy('old', { container_only: true }));
    await done(create('part', { source: { type: 'copy', source: 'web/one' } }));
    expect(await Promise.all(['all', 'only', 'old', 'part'].map(snapshotsOf))).toEqual([['one'], [], [], []]);
    await done(running.services.instances.put(context, 'all', { restore: 'one' }));
    await done(running.services.instances.remove(context, 'web'));
    expect(await snapshotsOf('all')).toEqual(['one']);
  });
  test('go to another pool, also while the source runs', async () => {
    const { instances, snapshots, storage } = running.services;
    await storage.create(context, { name: 'second', driver: 'fake' });
    const root = { root: { type: 'disk', path: '/', pool: 'second' } };
    await done(copy('there', {}, root));
    expect(await snapshotsOf('there')).toEqual(['one']);
    await done(snapshots.remove(context, 'there', 'one'));
    await done(instances.setState(context, 'web', { action: 'start' }));
    await done(copy('while-it-runs', {}, root));
    expect(await snapshotsOf('while-it-runs')).toEqual(['one']);
    expect(await snapshotsOf('web')).toEqual(['one']);
    expect((await instances.get(context, 'web')).value.status).toBe('Running');
    await done(create('from-snapshot', { source: { type: 'copy', source: 'web/one' }, devices: root }));
    await expect(copy('nowhere', {}, { root: { type: 'disk', path: '/', pool: 'third' } })).rejects.toMatchObject(
      refusal('not-found', 'devices.root.pool'),
    );
  });
});

describe('the server was away', () => {
  const rebootHost = async () => {
    for (const { id } of await world.store.instances.list())
      await world.instances.ensureStopped({ id }, { graceMs: 0, force: true });
    await world.store.settings.set('state.boot', 'another boot');
  };
  test('what ran before the host went down runs again, in order; the rest as it was told', async () => {
    const { instances } = running.services;
    await done(create('late', { start: true }));
    await done(create('early', { start: true, config: { 'boot.autostart.priority': '9' } }));
    await done(create('never', { start: true, config: { 'boot.autostart': 'false' } }));
    await done(create('always', { config: { 'boot.autostart': 'true' } }));
    await done(create('idle'));
    await done(create('brief', { ephemeral: true, start: true }));
    expect(await instances.list(context)).toHaveLength(6);
    await running.stop();
    await rebootHost();
    world.seen.length = 0;
    running = createServices(world.deps);
    await running.start();
    const started = () =>
      world.seen.flatMap((event) =>
        event.type === 'lifecycle' && event.metadata.action === 'instance-started' ? [event.metadata.name] : [],
      );
    await expect.poll(started, { timeout: 15_000 }).toEqual(['early', 'always', 'late']);
    await expect
      .poll(async () => (await running.services.instances.list(context)).map(({ name }) => name), { timeout: 15_000 })
      .not.toContain('brief');
    expect(await statusOf('never')).toBe('Stopped');
    expect(await statusOf('idle')).toBe('Stopped');
  });

  test('instances are shut down with the host, in order, and start again at the next boot', async () => {
    await done(create('first', { start: true, config: { 'boot.stop.priority': '9' } }));
    await done(create('last', { start: true, config: { 'boot.stop.priority': '1' } }));
    await done(create('stubborn', { start: true, config: { 'boot.host_shutdown_timeout': '1' } }));
    await done(create('idle'));
    const rows = await world.store.instances.list();
    world.instances.setStubborn({ id: rows.find(({ name }) => name === 'stubborn')?.id ?? '' }, true);
    world.seen.length = 0;
    await running.stop({ hostGoesDown: true });
    expect(world.seen.map((event) => event.type === 'lifecycle' && event.metadata.name)).toEqual([
      ...['first', 'last', 'stubborn'],
    ]);
    expect((await world.instances.inspectAll()).size).toBe(0);
    const after = await world.store.instances.list();
    expect(after.map(({ name, desired }) => `${name} ${desired}`).sort()).toEqual([
      ...['first running', 'idle stopped', 'last running', 'stubborn running'],
    ]);
    expect(after.find(({ name }) => name === 'last')?.config['volatile.last_state.power']).toBe('RUNNING');
    running = createServices(world.deps);
    await running.start();
    for (const name of ['first', 'last', 'stubborn'])
      await expect.poll(() => statusOf(name), { timeout: 15_000 }).toBe('Running');
    expect(await statusOf('idle')).toBe('Stopped');
  });

  test('init that ends by itself is written down and stays down', async () => {
    await done(create('web', { start: true }));
    const [row] = await world.store.instances.list();
    world.instances.exitByItself({ id: row?.id ?? '' });
    await expect
      .poll(async () => (await world.store.instances.list())[0]?.desired, { timeout: 10_000 })
      .toBe('stopped');
    await restart();
    expect(await statusOf('web')).toBe('Stopped');
  });

  test('a pool that does not come up is shown so, and the server starts', async () => {
    await running.stop();
    await world.store.pools.create({
      id: 'lost000000000000',
      name: 'lost',
      description: '',
      driver: 'gone',
      config: {},
      phase: 'ready',
    });
    running = createServices(world.deps);
    await running.start();
    const pools = await running.services.storage.list(context);
    expect(pools.map(({ name, status }) => [name, status])).toEqual([
      ['default', 'Created'],
      ['lost', 'Unavailable'],
    ]);
  });
});

describe('images', () => {
  const upload = async (text: string, options: object = {}) => {
    const { images } = running.services;
    const target = await images.openUpload(context);
    await writeFile(join(target.directory, 'metadata'), text);
    return images.importUpload(
      context,
      { directory: target.directory, metadataFile: 'metadata', rootfsFile: null },
      options,
    );
  };
  test('what was announced must be what came; a second import and a taken alias are refused', async () => {
    const { images } = running.services;
    await expect(upload('one', { fingerprint: 'c'.repeat(64) })).rejects.toMatchObject(
      refusal('invalid', 'fingerprint'),
    );
    const end = await done(upload('one', { aliases: [{ name: 'my/one' }] }));
    const fingerprint = String(end.metadata?.['fingerprint']);
    await expect(upload('one')).rejects.toMatchObject(refusal('exists', 'fingerprint'));
    await expect(upload('two', { aliases: [{ name: 'my/one' }] })).rejects.toMatchObject(refusal('exists', 'aliases'));
    expect((await images.get(context, fingerprint.slice(0, 10))).value.aliases).toEqual([
      { name: 'my/one', description: '' },
    ]);
    await expect(images.get(context, '%')).rejects.toMatchObject({ code: 'not-found' });
    await done(images.remove(context, fingerprint));
    expect((await images.list(context)).map((found) => found.fingerprint)).toEqual([image.fingerprint]);
  });
  test('only uploads that this server opened are taken', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'stapes-elsewhere-'));
    try {
      const call = running.services.images.importUpload(
        context,
        { directory: elsewhere, metadataFile: 'metadata', rootfsFile: null },
        {},
      );
      await expect(call).rejects.toMatchObject({ code: 'internal' });
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });
});

describe('the server about itself', () => {
  const environment = async () =>
    (await running.services.server.info(context)).value['environment'] as Record<string, unknown>;
  test('it says what this host really has', async () => {
    const before = await environment();
    const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
    if (release) expect(release).toContain(String(before['os_name']));
    expect(before['kernel_features']).toEqual({ idmapped_mounts: expect.stringMatching(/^(true|false)$/) });
    expect(before).toMatchObject({ certificate: '', addresses: ['127.0.0.1:0'], storage: 'fake' });
    const { cert } = await ensureCertificate({ stateDir: world.directory, names: [], nowMs: Date.now() });
    const fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(await environment()).toMatchObject({ certificate: cert, certificate_fingerprint: fingerprint });
  });
  test('storage drivers are tried once', async () => {
    let tries = 0;
    const { fake } = world.deps.runtime.storage;
    if (fake) world.deps.runtime.storage['fake'] = { ...fake, probe: async () => (tries++, null) };
    for (let call = 0; call < 3; call++) await environment();
    expect(tries).toBe(1);
  });
  test('a row that cannot be read is left out of lists and warned of', async () => {
    await done(create('good'));
    await done(create('bad'));
    expect(await running.services.server.warnings(context)).toEqual([]);
    const database = new Database(join(world.directory, 'stapes.db'));
    database.prepare(`UPDATE "instances" SET "config" = 'nonsense' WHERE "name" = 'bad'`).run();
    database.close();
    expect((await running.services.instances.list(context)).map(({ name }) => name)).toEqual(['good']);
    const warnings = await running.services.server.warnings(context);
    expect(warnings).toMatchObject([
      { severity: 'high', last_message: expect.stringMatching(/^The stored instance ".{16}" cannot be read/) },
    ]);
    expect(warnings[0]?.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect((await running.services.server.warnings(context))[0]).toEqual(warnings[0]);
  });
});

test('the first start of all makes the defaults, once', async () => {
  const other = await makeSagaWorld('stapes.db');
  const first = createServices(other.deps);
  try {
    await first.start();
    await first.stop();
    await other.store.profiles.update((await other.store.profiles.list())[0]?.id ?? '', { description: 'mine' });
    const second = createServices(other.deps);
    await second.start();
    await second.stop();
    expect(await other.store.pools.list()).toHaveLength(1);
    expect(await other.store.networks.list()).toHaveLength(1);
    expect(await other.store.profiles.list()).toMatchObject([{ name: 'default', description: 'mine' }]);
  } finally {
    await disposeSagaWorld(other);
  }
});
