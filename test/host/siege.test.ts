import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Answer } from '../support/rest.ts';
import { TestServer, until } from '../support/server.ts';
import { inventoryOf, openLog } from './host-inventory.ts';

/** Many at once and many times over: the server stays whole, small, and of one mind with its host. */
const server = new TestServer();
const cycles = Number(process.env.STAPES_TEST_CYCLES ?? 15);
const name = 'hostage';
const recipe = { type: 'image', recipe: 'busybox' };
const create = (wanted: string, start = true) =>
  server.rest.finish('POST', '/1.0/instances', { name: wanted, source: recipe, start });
const setState = (action: string, wanted = name) =>
  server.rest.call('PUT', `/1.0/instances/${wanted}/state`, { action, force: true, timeout: 60 });

beforeAll(async () => {
  await server.start();
  await create(name);
});
afterAll(() => server.destroy());

/** Runs a command inside; its exit code. */
async function run(...command: string[]): Promise<number> {
  const ended = await server.rest.finish('POST', `/1.0/instances/${name}/exec`, { command });
  return (ended.metadata as { return: number }).return;
}
const fileUrl = (path: string) => `/1.0/instances/${name}/files?path=${encodeURIComponent(path)}`;

/** Waits for what was begun; its status code, or that of the refusal. */
async function outcome(answer: Answer): Promise<number> {
  if (answer.status !== 202) return answer.status;
  const ended = await server.rest.get(`${answer.body.operation}/wait?timeout=120`);
  expect(ended.body.metadata.err).not.toMatch(/server failed/);
  return ended.body.metadata.status_code as number;
}

test('keeps what is in its folder to itself', () => {
  const open: string[] = [];
  const walk = (directory: string) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isSymbolicLink()) continue;
      const { mode } = statSync(path);
      // What lies in a folder that is closed to others need not be closed itself.
      if (entry.isDirectory() && mode & 0o001) walk(path);
      // The DHCP server gives up its powers, and reads what tells it of networks.
      if (mode & 0o006 && !/server\.crt$|\/networks\//.test(path)) open.push(`${path} ${(mode & 0o777).toString(8)}`);
    }
  };
  if (statSync(server.stateDir).mode & 0o001) walk(server.stateDir);
  expect(open).toEqual([]);
  expect(statSync(join(server.stateDir, 'tls/server.key')).mode & 0o777).toBe(0o600);
  expect(statSync(join(server.stateDir, 'database/stapes.db')).mode & 0o077).toBe(0);
});

const hostile = [
  'mkdir -p /tmp/w && cd /tmp/w',
  'ln -s /proc/self/fd/0 fd; ln -s /proc/1/root root; ln -s ../../../../../../etc/shadow up; ln -s loop loop; ln -s /dev/tty tty',
  'mkfifo fifo; ln -s fifo tofifo; ln -s /proc/sys/kernel/hostname kernel; ln -s /sys/kernel/uevent_seqnum sys; ln -s / all',
  'ln -s /proc/sysrq-trigger sysrq; ln -s /proc/1/mem mem; ln -s /proc/kmsg kmsg; ln -s /proc/1/attr/current attr',
  'mkdir deep; cd deep; i=0; while [ $i -lt 3000 ]; do mkdir d; cd d; i=$((i+1)); done; true',
].join('; ');
const places = [
  'fd',
  'root',
  'root/etc/shadow',
  'up',
  'loop',
  'tty',
  'fifo',
  'tofifo',
  'kernel',
  'sys',
  'all/proc/1/environ',
];
const more = [
  'sysrq',
  'mem',
  'kmsg',
  'attr',
  'nothing/x',
  'all/../../..',
  '.',
  '..',
  'fd/x',
  'fifo/x',
  'loop/x',
  'root/../..',
];

test.each(['running', 'stopped'])('answers for each hostile file of a %s instance', async (state) => {
  expect(await run('/bin/sh', '-c', hostile)).toBe(0);
  const secret = readFileSync('/proc/sys/kernel/hostname', 'utf8');
  if (state === 'stopped') expect(await outcome(await setState('stop'))).toBe(200);
  for (const place of [...places, ...more]) {
    const url = fileUrl(`/tmp/w/${place}`);
    const seen: string[] = [];
    for (const [method, headers] of [
      ['HEAD', {}],
      ['GET', {}],
      ['POST', { 'X-Incus-type': 'file' }],
      ['POST', { 'X-Incus-type': 'file', 'X-Incus-write': 'append' }],
      ['POST', { 'X-Incus-type': 'directory' }],
      ['POST', { 'X-Incus-type': 'symlink' }],
    ] as const) {
      if (place === '..' && method === 'POST') continue;
      const body = method === 'POST' ? Buffer.from('x') : undefined;
      const answer = await server.rest.call(method, url, body, headers).catch((error: Error) => error.message);
      seen.push(`${method} ${place}: ${typeof answer === 'string' ? answer : answer.status}`);
      if (typeof answer === 'string') continue; // a file that ends in an error in its middle ends the connection
      expect(answer.status === 501 || answer.status < 500, seen.join('\n') + answer.raw.toString()).toBe(true);
    }
  }
  expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(secret);
  const removed = await server.rest.call('DELETE', fileUrl('/tmp/w'), undefined, { 'X-Incus-force': 'true' });
  expect(removed.status === 501 || removed.status < 500, removed.raw.toString()).toBe(true);
  if (state === 'stopped') expect(await outcome(await setState('start'))).toBe(200);
  expect(await run('/bin/rm', '-rf', '/tmp/w')).toBe(0);
});

test('unplugs a NIC that is taken away from a running instance, together with its filters', async () => {
  const url = `/1.0/instances/${name}`;
  const config = async () => (await server.rest.get(url)).body.metadata as { expanded_devices: object };
  const root = { type: 'disk', path: '/', pool: 'default' };
  expect(await run('/bin/ls', '/sys/class/net/eth0')).toBe(0);
  const changed = await server.rest.finish('PUT', url, { profiles: [], devices: { root } });
  expect(changed.metadata ?? {}).not.toHaveProperty('pending_restart');
  expect(Object.keys((await config()).expanded_devices)).toEqual(['root']);
  expect(await run('/bin/ls', '/sys/class/net/eth0')).not.toBe(0);
  await server.rest.finish('PUT', url, { profiles: ['default'], devices: {} });
  expect(await outcome(await setState('restart'))).toBe(200);
  expect(await run('/bin/ls', '/sys/class/net/eth0')).toBe(0);
});

test('writes no settings of the kernel through a link of the guest', async () => {
  const url = `/1.0/instances/${name}`;
  await server.rest.finish('PATCH', url, { config: { 'security.nesting': 'true' } });
  expect(await outcome(await setState('restart'))).toBe(200);
  const setting = '/proc/sys/kernel/core_pattern';
  const before = readFileSync(setting, 'utf8');
  expect(await run('/bin/ln', '-sf', setting, '/root/innocent')).toBe(0);
  for (const path of ['/root/innocent', setting]) {
    const answer = await server.rest.call('POST', fileUrl(path), Buffer.from(before), { 'X-Incus-type': 'file' });
    expect(answer.status, answer.raw.toString()).toBe(501);
    expect(answer.body.error).toContain('setting of the kernel');
  }
  expect((await server.rest.get(fileUrl(setting))).raw.toString()).toBe(before);
});

test('does one thing at a time to one instance', async () => {
  const url = `/1.0/instances/${name}`;
  const kinds: (() => Promise<Answer>)[] = [
    () => setState('stop'),
    () => setState('start'),
    () => setState('restart'),
    () => setState('freeze'),
    () => setState('unfreeze'),
    () => server.rest.call('POST', `${url}/snapshots`, {}),
    () => server.rest.call('PATCH', url, { config: { 'limits.memory': '64MiB' } }),
    () => server.rest.call('POST', url, { name: 'elsewhere' }),
    () => server.rest.call('POST', `${url}/exec`, { command: ['/bin/true'] }),
    () => server.rest.call('POST', '/1.0/instances', { name: 'copy', source: { type: 'copy', source: name } }),
  ];
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, index) => kinds[(index * 7) % kinds.length]?.().then(outcome)),
  );
  for (const code of outcomes) expect([200, 400, 404, 409]).toContain(code);
  const names = (await server.rest.get('/1.0/instances?recursion=1')).body.metadata as { name: string }[];
  if (names.some((found) => found.name === 'elsewhere'))
    await server.rest.finish('POST', '/1.0/instances/elsewhere', { name });
  await setState('unfreeze').then(outcome);
  await setState('stop').then(outcome);
  const found = (await server.rest.get(url)).body.metadata as { status: string };
  expect(found.status).toBe('Stopped');
  await setState('start').then(outcome);
  expect((await server.rest.get(url)).body.metadata.status).toBe('Running');
  await server.rest.call('DELETE', '/1.0/instances/copy').then(outcome);
});

test('gives a name once, and deletes once', async () => {
  for (let round = 0; round < 3; round++) {
    const wanted = { name: 'twin', source: recipe, start: true };
    const made = await Promise.all(
      Array.from({ length: 8 }, () => server.rest.call('POST', '/1.0/instances', wanted).then(outcome)),
    );
    expect(made.filter((code) => code === 200)).toHaveLength(1);
    await setState('stop', 'twin').then(outcome);
    const ended = await Promise.all([
      setState('start', 'twin').then(outcome),
      ...Array.from({ length: 4 }, () => server.rest.call('DELETE', '/1.0/instances/twin').then(outcome)),
    ]);
    for (const code of ended) expect([200, 400, 404, 409]).toContain(code);
    await setState('stop', 'twin').then(outcome);
    await server.rest.call('DELETE', '/1.0/instances/twin').then(outcome);
    expect((await server.rest.get('/1.0/instances/twin')).status).toBe(404);
  }
});

test('takes a secret of a command once, and only for that command', async () => {
  const post = async () => {
    const started = await server.rest.call('POST', `/1.0/instances/${name}/exec`, {
      command: ['/bin/cat'],
      'wait-for-websocket': true,
    });
    const { id, metadata } = started.body.metadata as { id: string; metadata: { fds: Record<string, string> } };
    return { id, fds: metadata.fds };
  };
  const [one, other] = [await post(), await post()];
  const connect = (id: string, secret: string) =>
    new Promise<number | 'open'>((resolve) => {
      const socket = server.rest.socket(`/1.0/operations/${id}/websocket?secret=${secret}`);
      socket.on('open', () => socket.once('close', (code) => resolve(code)));
      socket.on('open', () => setTimeout(() => resolve('open'), 500));
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      });
      socket.on('error', () => undefined);
    });
  expect(await connect(other.id, one.fds['0'] ?? '')).toBe(403);
  expect(await connect(one.id, 'x'.repeat(64))).toBe(403);
  expect(await connect(one.id, one.fds['0'] ?? '')).toBe('open');
  expect(await connect(one.id, one.fds['0'] ?? '')).not.toBe('open');
  const shown = await server.rest.get(`/1.0/operations/${one.id}`);
  expect(shown.raw.toString()).not.toContain(one.fds['1'] ?? '');
  for (const { id } of [one, other]) await server.rest.call('DELETE', `/1.0/operations/${id}`);
});

const descriptors = () => readdirSync(`/proc/${server.pid}/fd`).length;
const residentKib = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]);

test('serves many listeners, and forgets them', async () => {
  const before = descriptors();
  const sockets = await Promise.all(
    Array.from(
      { length: 200 },
      () =>
        new Promise<ReturnType<typeof server.rest.socket>>((resolve, reject) => {
          const socket = server.rest.socket('/1.0/events');
          socket.on('open', () => resolve(socket)).on('error', reject);
        }),
    ),
  );
  let heard = 0;
  for (const socket of sockets) socket.once('message', () => heard++);
  await server.rest.finish('PATCH', `/1.0/instances/${name}`, { config: { 'user.x': 'y' } });
  await until('all to hear of it', 60_000, () => heard === sockets.length);
  for (const socket of sockets) socket.terminate();
  await until('their descriptors to be closed', 60_000, () => descriptors() <= before + 2);
});

test('holds no upload in memory', async () => {
  const before = residentKib();
  const content = Buffer.alloc(4 * 1024 * 1024, 'x');
  const codes = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      server.rest.call('POST', fileUrl(`/root/big${index % 10}`), content, { 'X-Incus-type': 'file' }),
    ),
  );
  for (const answer of codes) expect(answer.status, answer.raw.toString()).toBe(200);
  expect(residentKib() - before).toBeLessThan(300 * 1024);
  expect(await run('/bin/sh', '-c', 'rm /root/big*')).toBe(0);
});

test('leaves nothing behind, however often', { timeout: 900_000 }, async () => {
  const cycle = async () => {
    await create('brief');
    await setState('stop', 'brief').then(outcome);
    await server.rest.finish('DELETE', '/1.0/instances/brief');
  };
  for (let round = 0; round < 3; round++) await cycle();
  const [before, fds, memory] = [inventoryOf(server), descriptors(), residentKib()];
  for (let round = 0; round < cycles; round++) await cycle();
  await until('descriptors to be closed', 60_000, () => descriptors() <= fds + 2);
  const after = inventoryOf(server);
  // LXC keeps or removes the lock of the one that runs as it likes.
  expect(before.names).toEqual(expect.arrayContaining(after.names));
  // Rows of images say when they were last used.
  const alike = { rows: [], names: [] };
  expect({ ...after, ...alike }).toEqual({ ...before, ...alike });
  console.log(`after ${cycles} lives: ${descriptors() - fds} descriptors, ${residentKib() - memory} KiB more`);
  expect(residentKib() - memory).toBeLessThan(150 * 1024);
});

test('the host and the database agree', async () => {
  const listed = (await server.rest.get('/1.0/instances?recursion=1')).body.metadata as { name: string }[];
  const database = openLog(server.stateDir);
  const rows = database.prepare('SELECT id, name FROM instances').all() as { id: string; name: string }[];
  const open = database
    .prepare("SELECT count(*) AS count FROM operations WHERE status IN ('running','pending','Running','Pending')")
    .all();
  database.close();
  expect(listed.map((found) => found.name).sort()).toEqual(rows.map((row) => row.name).sort());
  expect(open).toEqual([{ count: 0 }]);
  expect(server.output).not.toMatch(/unhandled rejection|uncaught exception|"level":(50|60)/);
});
