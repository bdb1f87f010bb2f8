import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Route } from '../../apps/server/src/rest/route.ts';
import { routes } from '../../apps/server/src/rest/routes.ts';
import type { Answer } from '../support/rest.ts';
import { TestServer } from '../support/server.ts';
import { inventoryOf, type Inventory } from './host-inventory.ts';

/** Everything that a client could send by mistake or on purpose, to each address of the API: refused in words, and nothing comes of it. */
const server = new TestServer();
const name = 'target';
const seed = 20_240_611;
let before: Inventory;

beforeAll(async () => {
  await server.start();
  const source = { type: 'image', recipe: 'busybox' };
  await server.rest.finish('POST', '/1.0/instances', { name, source, start: true });
  const devices = { root: { type: 'disk', path: '/', pool: 'default' } };
  await server.rest.finish('PUT', `/1.0/instances/${name}`, { profiles: [], devices });
  before = inventoryOf(server);
  await server.rest.finish('PUT', `/1.0/instances/${name}`, { profiles: ['default'] });
  await server.rest.finish('PUT', `/1.0/instances/${name}/state`, { action: 'restart', force: true, timeout: 60 });
  await server.rest.finish('POST', `/1.0/instances/${name}/snapshots`, { name: 's0' });
});
afterAll(() => server.destroy());

const traps = [
  '.',
  '..',
  '../../etc/passwd',
  '/etc/passwd',
  '%',
  '*',
  '_',
  'a\nlxc.hook.pre-start = /bin/true',
  'a\0b',
  'a\r\nX-Header: 1',
  '-rf',
  '--help',
  '$(id)',
  '`id`',
  "' OR 1=1 --",
  '\u202e',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  'x'.repeat(300),
  'é'.repeat(40),
  '{{ creation_date }}',
  '%2e%2e%2f',
  '0',
  '-1',
  '1e308',
  'NaN',
];
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...traps) },
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const number = fc.oneof(
  fc.constantFrom(0, -1, 1.5, 1e308, -0, 2 ** 31, 2 ** 53, 2 ** 64),
  fc.integer({ min: -10, max: 1_000_000 }),
);
const scalar = fc.oneof(word, number, fc.boolean(), fc.constant(null));
const nested = fc.constant(JSON.parse('['.repeat(25) + ']'.repeat(25)) as unknown);
/** Words that mean something here, so that a request gets past the first check. */
const fields = [
  ...[
    'name',
    'config',
    'devices',
    'profiles',
    'source',
    'type',
    'description',
    'action',
    'timeout',
    'force',
    'command',
  ],
  ...[
    'environment',
    'interactive',
    'width',
    'height',
    'cwd',
    'user',
    'group',
    'alias',
    'fingerprint',
    'recipe',
    'driver',
  ],
  ...[
    'restore',
    'stateful',
    'expires_at',
    'ephemeral',
    'properties',
    'public',
    'target',
    'state',
    'filename',
    'server',
  ],
  ...[
    'wait-for-websocket',
    'record-output',
    'instance_only',
    'refresh',
    'base-image',
    'instance_type',
    'pool',
    'aliases',
  ],
];
const keys = [
  ...[
    'environment.A',
    'limits.cpu',
    'limits.memory',
    'security.idmap.base',
    'security.idmap.size',
    'user.x',
    'raw.lxc',
  ],
  ...[
    'volatile.eth0.hwaddr',
    'snapshots.pattern',
    'ipv4.address',
    'ipv6.address',
    'dns.domain',
    'ipv4.dhcp.ranges',
    'size',
  ],
  ...[
    'source',
    'eth0',
    'root',
    'path',
    'nictype',
    'network',
    'hwaddr',
    'host_name',
    'mtu',
    'limits.read',
    'raw.dnsmasq',
  ],
];
const entries = (of: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>) =>
  fc.dictionary(of, value, { maxKeys: 5, noNullPrototype: true });
const inner = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 4 }),
  entries(fc.oneof(word, fc.constantFrom(...keys)), scalar),
);
const value = fc.oneof(inner, nested, entries(fc.oneof(word, fc.constantFrom(...keys, ...fields)), inner));
const json = fc.oneof({ weight: 4, arbitrary: entries(fc.constantFrom(...fields), value) }, value);
const body = fc.oneof(
  { weight: 5, arbitrary: json.map((given) => JSON.stringify(given)) },
  fc.constantFrom(
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"__proto__":{"protocol":"unix"}}',
    '{"config":{"__proto__":{"x":"y"}}}',
    `${'['.repeat(5000)}${']'.repeat(5000)}`,
    '{"name":"a","name":"b"}',
    '\ufeff{}',
    '{"name":"\\u0000"}',
  ),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
);

const headerValue = fc.constantFrom(
  '-1',
  'NaN',
  '99999',
  '4294967296',
  '0x10',
  '1e3',
  ' ',
  '../x',
  'a=b&c',
  'é',
  '"',
  '*',
);
const dialect = [
  'uid',
  'gid',
  'mode',
  'type',
  'write',
  'force',
  'fingerprint',
  'filename',
  'properties',
  'aliases',
  'public',
];
const headers = fc.dictionary(
  fc.constantFrom(
    ...dialect.flatMap((part) => [`x-incus-${part}`, `x-lxd-${part}`]),
    'if-match',
    'accept-encoding',
    'range',
  ),
  headerValue,
  { maxKeys: 3, noNullPrototype: true },
);
const contentType = fc.constantFrom(
  'application/json',
  'text/plain',
  'application/octet-stream',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  ';',
);
const query = fc.dictionary(
  fc.constantFrom(
    ...['recursion', 'filter', 'project', 'timeout', 'path', 'secret', 'type', 'all-projects', 'instance-type', ''],
  ),
  fc.oneof(
    word,
    fc.constantFrom('/', '/etc/passwd', '/proc/self/fd/0', '/dev/tty', '/sys', 'name eq (', 'name eq a{999}{999}'),
  ),
  { maxKeys: 3, noNullPrototype: true },
);

const wellFormed = (text: string) => Buffer.from(text).toString();
const encode = (text: string) => encodeURIComponent(wellFormed(text));

/** What is there may be read and changed, but is not deleted: only names that cannot be are. */
function pathOf(route: Route): fc.Arbitrary<string> {
  const real = route.method === 'DELETE' ? [] : [name, 's0', 'default'];
  const part = fc.oneof({ weight: 2, arbitrary: word }, ...real.map((known) => fc.constant(known)));
  const holes: string[] = route.path.match(/:[a-z]+/gi) ?? [];
  return fc.tuple(...holes.map(() => part.filter((text) => text !== ''))).map((values) => {
    let path = route.path;
    holes.forEach((hole, index) => (path = path.replace(hole, () => encode(values[index] ?? ''))));
    return path;
  });
}

function expectEnvelope(answer: Answer, what: string): void {
  const seen = `${what}\n${answer.status} ${answer.raw.subarray(0, 2000).toString()}`;
  expect(answer.status < 500 || answer.status === 501, `${seen}\n${server.output.slice(-3000)}`).toBe(true);
  if (answer.status < 400) return;
  if (what.startsWith('HEAD ')) return;
  expect(answer.body, seen).toEqual({
    type: 'error',
    status: '',
    status_code: 0,
    operation: '',
    error_code: answer.status,
    error: expect.stringMatching(/\S/),
    metadata: null,
  });
  expect(answer.raw.toString(), seen).not.toMatch(/\bat .*\.[jt]s:\d|node_modules|prisma|SQLITE/i);
}

/** What was begun ends, and not with a fault of ours. */
async function settle(answer: Answer, what: string): Promise<void> {
  if (answer.status !== 202) return;
  const { id } = answer.body.metadata as { id: string };
  const ended = await server.rest.get(`/1.0/operations/${id}/wait?timeout=60`);
  expect([200, 400, 401], `${what}\n${ended.raw.toString()}`).toContain(ended.body.metadata.status_code);
  expect(ended.body.metadata.err, `${what}\n${server.output.slice(-3000)}`).not.toMatch(/server failed/);
}

// Waits for sockets or for everything; both have tests of their own.
const slow = /\/exec$|\/console$|^\/1\.0\/instances$/;

test.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', async (_name, route) => {
  const hasBody = route.method !== 'GET' && route.method !== 'HEAD';
  const request = fc.record({
    path: pathOf(route),
    query,
    headers,
    body: hasBody ? body : fc.constant(undefined),
    type: contentType,
  });
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const search = new URLSearchParams(
        Object.entries(given.query).map(([key, text]) => [key, wellFormed(text)]),
      ).toString();
      const path = `${given.path}${search ? `?${search}` : ''}`;
      const sent = Object.entries({ ...given.headers, ...(hasBody ? { 'content-type': given.type } : {}) });
      const latin = Object.fromEntries(sent.map(([key, text]) => [key, Buffer.from(text).toString('latin1')]));
      // Without a length nobody could tell where the body of a DELETE ends.
      if (hasBody) latin['content-length'] = String(Buffer.byteLength(given.body ?? ''));
      const what = `${route.method} ${path} ${JSON.stringify(latin)} ${String(given.body)}`;
      const answer = await server.rest.call(route.method, path, given.body, latin);
      expectEnvelope(answer, what);
      if (!slow.test(route.path)) await settle(answer, what);
    }),
    { seed, numRuns: 12, endOnFailure: true },
  );
});

/** Bytes as they are: what a well-behaved client would not send. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(join(server.stateDir, 'unix.socket'));
    const chunks: Buffer[] = [];
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer to ${JSON.stringify(text.slice(0, 100))}`)));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.write(Buffer.from(text, 'latin1'));
  });
}

test.each([
  ...[
    '/1.0/instances/%zz',
    '/1.0/%00',
    '/1.0//instances',
    '//1.0/instances',
    '/1.0/../1.0',
    '/1.0/%2e%2e/x',
    '/%ff',
    '/\xff',
  ],
  ...[
    '/1.0/instances/target%2fstate',
    '/1.0/instances/..%2f..',
    '/1.0/instances/target/',
    '/1.0/instances/target/files/..',
  ],
  ...[`/1.0/instances/${'x'.repeat(9000)}`, '/1.0/instances;a=b', '/1.0/instances/*', '/*', 'http://other/1.0/nothing'],
  ...['/internal/shutdown', '/trpc/nothing', '/1.0/instances/target/logs/..%2f..%2flock', '/nothing'],
])('answers the address %s', async (address) => {
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    const answer = await raw(
      `${method} ${address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
    const [head = '', text = ''] = answer.split('\r\n\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    expect(status, `${method} ${address}\n${answer}`).toBeGreaterThanOrEqual(400);
    expect(status === 501 || status < 500, `${method} ${address}\n${answer}`).toBe(true);
    if (text !== '')
      expect(JSON.parse(text), answer).toMatchObject({ type: 'error', error_code: status, operation: '' });
  }
});

test('ends connections that do not speak its language', async () => {
  for (const text of [
    '\0\0\0\0\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /1.0 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /1.0/profiles HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /1.0/profiles HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    `GET /1.0 HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
    'GET /1.0/events HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'GET /1.0/events HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\nSec-WebSocket-Key: x\r\n\r\n',
    'GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'GET /1.0/%zz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n',
  ])
    expect(await raw(text), text.slice(0, 200)).toMatch(/^HTTP\/1\.1 4\d\d/);
});

test('nothing came of all that', async () => {
  expect((await server.rest.get('/1.0/instances')).body.metadata).toEqual([`/1.0/instances/${name}`]);
  const { status } = (await server.rest.get(`/1.0/instances/${name}`)).body.metadata as { status: string };
  expect(status).toBe('Running');
  // Its NIC may have been taken away: that is what some of the requests rightly ask for.
  const devices = { root: { type: 'disk', path: '/', pool: 'default' } };
  await server.rest.finish('PUT', `/1.0/instances/${name}`, { profiles: [], devices });
  const snapshots = (await server.rest.get(`/1.0/instances/${name}/snapshots`)).body.metadata as string[];
  for (const url of snapshots) await server.rest.finish('DELETE', url);
  const after = inventoryOf(server);
  // Descriptions and keys of what is there may have been changed: that is what some of the requests rightly ask for.
  for (const part of ['mounts', 'subvolumes', 'links', 'cgroups', 'processes', 'files', 'loops', 'names'] as const)
    expect(after[part], part).toEqual(before[part]);
  expect(server.output).not.toMatch(/request failed|upgrade failed|"level":(50|60)/);
});
