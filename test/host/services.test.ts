import { readFileSync, mkdtempSync, rmSync, chmodSync, existsSync, readdirSync } from 'node:fs';
import { EventEmitter } from 'node:events';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Operation } from '@stapes/contract/operation';
import type { ServerEvent } from '@stapes/contract/event';
import { createRuntime } from '@stapes/runtime/create-runtime';
import type { Runtime } from '@stapes/runtime/runtime';
import { createServices, type RunningServices } from '@stapes/server/compose';
import { createEventHub } from '@stapes/server/events/event-hub';
import { createLog } from '@stapes/server/log';
import type { Context } from '@stapes/server/services/context';
import { openStore } from '@stapes/server/store/open-store';
import type { Store } from '@stapes/server/store/store';
import type { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** From services to real containers: everything that the doors call, without a door. */
const root = resolve(import.meta.dirname, '../..');
const stateDir = mkdtempSync('/var/tmp/stapes-test-services-');
const context: Context = {
  identity: { username: 'root (unix)', protocol: 'unix' },
  project: 'default',
  requestId: 'test',
  address: '@',
};
const seen: ServerEvent[] = [];
let store: Store;
let runtime: Runtime;
let running: RunningServices;

async function open(): Promise<void> {
  const log = createLog('warn');
  store = await openStore({
    file: join(stateDir, 'database', 'stapes.db'),
    migrationsDir: join(root, 'prisma/sqlite/migrations'),
    backupsDir: join(stateDir, 'database', 'backups'),
    log,
  });
  runtime = createRuntime({ stateDir, cacheDir: join(stateDir, 'cache'), terminalHostEntry: ['/bin/false'] });
  const events = createEventHub();
  events.subscribe(
    { types: ['lifecycle'], project: null, onOverflow: () => undefined },
    (event) => void seen.push(event),
  );
  running = createServices({
    config: {
      stateDir,
      cacheDir: join(stateDir, 'cache'),
      listen: { host: '127.0.0.1', port: 0 },
      origin: 'https://localhost',
      insecureHttp: false,
      logLevel: 'warn',
      socketGroup: 'root',
      webDir: stateDir,
    },
    log,
    store,
    runtime,
    events,
  });
  await running.start();
}

async function close(): Promise<void> {
  await running.stop();
  await store.close();
}

async function done(operation: Promise<Operation> | Operation): Promise<Operation> {
  const end = await running.services.operations.wait(context, (await operation).id, -1);
  expect(end.err).toBe('');
  expect(end.status).toBe('Success');
  return end;
}

/** As much of a websocket as the exec service uses. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly chunks: Buffer[] = [];
  #held: [Buffer, boolean][] | null = null;
  ended = false;
  send(data: Buffer | string, options: { binary: boolean }, sent?: () => void) {
    if (options.binary) this.chunks.push(Buffer.from(data));
    else if (data.length === 0) this.ended = true;
    sent?.();
  }
  ping() {}
  pause() {
    this.#held ??= [];
  }
  resume() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const [data, binary] of held) this.emit('message', data, binary);
  }
  /** A frame from the client. */
  receive(data: Buffer, binary: boolean) {
    if (this.#held) this.#held.push([data, binary]);
    else this.emit('message', data, binary);
  }
  terminate() {
    this.close();
  }
  close() {
    if (this.readyState !== 1) return;
    this.readyState = 3;
    this.emit('close');
  }
  get text() {
    return Buffer.concat(this.chunks).toString();
  }
}

async function exec(name: string, command: string[], input = ''): Promise<{ code: unknown; out: string; err: string }> {
  const operation = await running.services.instances.exec(context, name, { command, 'wait-for-websocket': true });
  const fds = operation.metadata?.['fds'] as Record<string, string>;
  const sockets = { '0': new FakeSocket(), '1': new FakeSocket(), '2': new FakeSocket() };
  for (const [fd, socket] of Object.entries(sockets)) {
    running.services.operations.connect(context, operation.id, fds[fd] ?? '', socket as unknown as WebSocket);
  }
  if (input) sockets['0'].receive(Buffer.from(input), true);
  sockets['0'].receive(Buffer.alloc(0), false);
  const end = await done(operation);
  expect(sockets['1'].ended).toBe(true);
  return { code: end.metadata?.['return'], out: sockets['1'].text, err: sockets['2'].text };
}

beforeAll(async () => {
  chmodSync(stateDir, 0o711);
  await open();
});

afterAll(async () => {
  try {
    for (const id of (await runtime.instances.container.inspectAll()).keys())
      await runtime.instances.container.removeConfigured({ id });
    for (const network of await store.networks.list()) {
      await runtime.networks.bridge.removeNetwork({ id: network.id, name: network.name, interfaceName: network.name });
    }
    await close();
  } finally {
    for (const line of readFileSync('/proc/mounts', 'utf8').split('\n').reverse()) {
      const path = line.split(' ')[1];
      if (path?.startsWith(stateDir)) execFileSync('umount', ['-l', '--', path]);
    }
    rmSync(stateDir, { recursive: true, force: true });
  }
});

test('the first start makes a pool, a network and a profile', async () => {
  const { storage, networks, profiles } = running.services;
  const [pool] = await storage.list(context);
  expect(pool).toMatchObject({ name: 'default', status: 'Created' });
  const managed = (await networks.list(context)).filter((network) => network.managed);
  expect(managed).toHaveLength(1);
  expect(managed[0]).toMatchObject({ name: 'stapesbr0', status: 'Created' });
  expect((await profiles.get(context, 'default')).value.devices).toMatchObject({
    root: { pool: 'default' },
    eth0: { network: 'stapesbr0' },
  });
});

test('a container from a recipe: build, create, start, run, limit', async () => {
  const { instances, images } = running.services;
  await done(
    instances.create(context, {
      name: 'one',
      source: { type: 'image', recipe: 'busybox' },
      config: { 'security.idmap.isolated': 'true', 'limits.memory': '64MiB' },
      start: true,
    }),
  );
  expect((await images.list(context)).map((image) => image.aliases.map(({ name }) => name))).toEqual([['busybox']]);
  const full = (await instances.getFull(context, 'one')).value;
  expect(full.status).toBe('Running');
  expect(full.state.pid).toBeGreaterThan(0);
  expect(full.config['volatile.idmap.base']).toBeDefined();
  const echoed = await exec('one', ['sh', '-c', 'cat; echo to stderr >&2; hostname; exit 7'], 'hello\n');
  expect(echoed).toEqual({ code: 7, out: 'hello\none\n', err: 'to stderr\n' });
  expect((await exec('one', ['/no/such/thing'])).code).toBe(127);
  expect((await instances.state(context, 'one')).memory.total).toBe(64 * 1024 * 1024);
  await done(instances.patch(context, 'one', { config: { 'limits.memory': '96MiB' } }));
  expect((await instances.state(context, 'one')).memory.total).toBe(96 * 1024 * 1024);
  const pending = await done(instances.patch(context, 'one', { config: { 'security.nesting': 'true' } }));
  expect(pending.metadata?.['pending_restart']).toEqual(['security.nesting']);
  await expect(instances.create(context, { name: 'one', source: { type: 'none' } })).rejects.toMatchObject({
    code: 'exists',
    details: { field: 'name' },
  });
  await expect(instances.remove(context, 'one')).rejects.toMatchObject({ code: 'wrong-state' });
});

test('an interactive command has a terminal; its size follows, and losing the control socket kills it', async () => {
  const { instances, operations } = running.services;
  const start = async (command: string[]) => {
    const operation = await instances.exec(context, 'one', {
      command,
      'wait-for-websocket': true,
      interactive: true,
      width: 90,
      height: 30,
    });
    const fds = operation.metadata?.['fds'] as Record<string, string>;
    const sockets = { '0': new FakeSocket(), control: new FakeSocket() };
    expect(() =>
      operations.connect(context, operation.id, 'f'.repeat(64), new FakeSocket() as unknown as WebSocket),
    ).toThrow(expect.objectContaining({ code: 'forbidden' }));
    for (const [fd, socket] of Object.entries(sockets))
      operations.connect(context, operation.id, fds[fd] ?? '', socket as unknown as WebSocket);
    return { operation, data: sockets['0'], control: sockets.control };
  };
  const shell = await start(['sh']);
  const say = (text: string) => shell.data.receive(Buffer.from(text), true);
  // The shell throws away what was typed before its prompt.
  await expect.poll(() => shell.data.text, { timeout: 30_000 }).toContain('# ');
  say('stty size\n');
  await expect.poll(() => shell.data.text, { timeout: 30_000 }).toContain('30 90');
  shell.control.receive(
    Buffer.from(JSON.stringify({ command: 'window-resize', args: { width: '101', height: '41' } })),
    false,
  );
  say('stty size\n');
  await expect.poll(() => shell.data.text, { timeout: 30_000 }).toContain('41 101');
  say('exit 5\n');
  expect((await done(shell.operation)).metadata?.['return']).toBe(5);

  const sleeper = await start(['sleep', '1000']);
  await expect
    .poll(async () => (await exec('one', ['sh', '-c', 'ps | grep -c "[s]leep 1000"'])).out.trim(), { timeout: 30_000 })
    .toBe('1');
  sleeper.control.close();
  expect((await operations.wait(context, sleeper.operation.id, 30)).status).toBe('Success');
  expect((await exec('one', ['sh', '-c', 'ps | grep -c "[s]leep 1000"'])).out.trim()).toBe('0');
});

test('much output to a slow reader arrives whole', async () => {
  const result = await exec('one', ['sh', '-c', 'dd if=/dev/zero bs=65536 count=160 2>/dev/null | tr "\\0" x']);
  expect(result.code).toBe(0);
  expect(result.out.length).toBe(160 * 65536);
});

test('output of a detached command is recorded', async () => {
  const { instances } = running.services;
  const operation = await done(
    await instances.exec(context, 'one', { command: ['echo', 'kept'], 'record-output': true }),
  );
  const url = (operation.metadata?.['output'] as Record<string, string>)['1'] ?? '';
  expect((await instances.log(context, 'one', `exec-output/${url.split('/').at(-1)}`)).toString()).toBe('kept\n');
});

test('snapshot, change, restore: the running instance is what it was', async () => {
  const { snapshots, instances } = running.services;
  await exec('one', ['sh', '-c', 'echo before > /root/file']);
  await done(snapshots.create(context, 'one', {}));
  await exec('one', ['sh', '-c', 'echo after > /root/file']);
  await done(instances.put(context, 'one', { restore: 'snap0' }));
  expect((await instances.get(context, 'one')).value.status).toBe('Running');
  expect((await exec('one', ['cat', '/root/file'])).out).toBe('before\n');
});

test('a copy is another machine', async () => {
  const { instances } = running.services;
  await done(instances.create(context, { name: 'two', source: { type: 'copy', source: 'one/snap0' }, start: true }));
  const [one, two] = await Promise.all(
    ['one', 'two'].map(async (name) => (await instances.get(context, name)).value.config),
  );
  for (const key of ['volatile.eth0.hwaddr', 'volatile.eth0.host_name', 'volatile.uuid', 'volatile.idmap.base']) {
    expect(two?.[key]).toBeDefined();
    expect(two?.[key]).not.toBe(one?.[key]);
  }
  expect((await exec('two', ['cat', '/root/file'])).out).toBe('before\n');
  expect((await exec('two', ['hostname'])).out).toBe('two\n');
});

test('stop, rename, start: the new name is inside', async () => {
  const { instances } = running.services;
  await done(instances.setState(context, 'two', { action: 'stop', force: true }));
  await done(instances.rename(context, 'two', 'three'));
  await expect(instances.get(context, 'two')).rejects.toMatchObject({ code: 'not-found' });
  await done(instances.setState(context, 'three', { action: 'start' }));
  expect((await exec('three', ['hostname'])).out).toBe('three\n');
  await done(instances.setState(context, 'three', { action: 'freeze' }));
  expect((await instances.get(context, 'three')).value.status).toBe('Frozen');
  await done(instances.setState(context, 'three', { action: 'unfreeze' }));
});

test('a server that starts again adopts what runs, and notes what ended meanwhile', async () => {
  const before = (await running.services.instances.state(context, 'one')).pid;
  const gone = await store.instances.findByName('default', 'three');
  await close();
  await runtime.instances.container.ensureStopped({ id: gone?.id ?? '' }, { graceMs: 0, force: true });
  await open();
  expect((await running.services.instances.state(context, 'one')).pid).toBe(before);
  expect((await store.instances.findByName('default', 'three'))?.desired).toBe('stopped');
});

test('a host that goes down shuts its instances down, and starts them at the next boot', async () => {
  const { id } = await store.instances.findByName('default', 'one').then((row) => row ?? { id: '' });
  expect((await runtime.instances.container.inspect({ id })).status).toBe('Running');
  await running.stop({ hostGoesDown: true });
  expect((await runtime.instances.container.inspectAll()).size).toBe(0);
  expect(await store.instances.get(id)).toMatchObject({ desired: 'running' });
  await store.close();
  await open();
  const status = async () => (await running.services.instances.get(context, 'one')).value.status;
  await expect.poll(status, { timeout: 60_000 }).toBe('Running');
});

test('init that ends by itself is noticed; an ephemeral one is deleted', async () => {
  const { instances } = running.services;
  await done(
    instances.create(context, {
      name: 'brief',
      ephemeral: true,
      source: { type: 'image', alias: 'busybox' },
      start: true,
    }),
  );
  await exec('brief', ['sh', '-c', 'poweroff -f &']).catch(() => undefined);
  await expect
    .poll(async () => (await instances.list(context)).map(({ name }) => name), { timeout: 60_000, interval: 200 })
    .not.toContain('brief');
});

test('deleting everything leaves a clean slate', async () => {
  const { instances, images, profiles, networks, storage } = running.services;
  const rows = await store.instances.list();
  await done(instances.setState(context, 'one', { action: 'stop', force: true }));
  for (const name of ['one', 'three']) await done(instances.remove(context, name));
  expect(await store.instances.list()).toEqual([]);
  expect(await store.snapshots.list()).toEqual([]);
  const interfaces = readdirSync('/sys/class/net');
  for (const row of rows) expect(interfaces).not.toContain(row.config['volatile.eth0.host_name']);
  for (const image of await images.list(context)) await done(images.remove(context, image.fingerprint));
  await expect(networks.remove(context, 'stapesbr0')).rejects.toMatchObject({ code: 'in-use' });
  await profiles.put(context, 'default', {});
  await networks.remove(context, 'stapesbr0');
  await storage.remove(context, 'default');
  expect(readdirSync('/sys/class/net')).not.toContain('stapesbr0');
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(`${stateDir}/`);
  expect(existsSync(join(stateDir, 'exec-output')) ? readdirSync(join(stateDir, 'exec-output')) : []).toEqual([]);
  const told = seen.map((event) => (event.type === 'lifecycle' ? event.metadata.action : ''));
  for (const action of [
    'instance-created',
    'instance-started',
    'instance-stopped',
    'instance-shutdown',
    'instance-renamed',
    'instance-restored',
    'instance-snapshot-created',
    'instance-deleted',
    'image-created',
    'network-deleted',
  ]) {
    expect(told).toContain(action);
  }
});
