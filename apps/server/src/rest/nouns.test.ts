import type { Instance } from '@stapes/contract/instance';
import { DomainError } from '@stapes/contract/errors';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { stranger, testApp, testOperation } from './test-app.ts';

let app: FastifyInstance | undefined;
afterEach(async () => app?.close());

const instance = (name: string, values: Partial<Instance> = {}): Instance => ({
  name,
  description: '',
  type: 'container',
  architecture: 'x86_64',
  status: 'Running',
  status_code: 103,
  ephemeral: false,
  stateful: false,
  profiles: ['default'],
  config: {},
  devices: {},
  expanded_config: {},
  expanded_devices: {},
  created_at: '2026-01-01T00:00:00Z',
  last_used_at: '2026-01-01T00:00:00Z',
  location: 'none',
  project: 'default',
  ...values,
});

describe('instances', () => {
  test('list: recursion 0, 1 and 2, filter, type and the old address', async () => {
    const list = vi.fn(async () => [instance('a'), instance('b', { status: 'Stopped' })]);
    const listFull = vi.fn(async () => [{ ...instance('a'), backups: null, snapshots: [], state: {} as never }]);
    app = await testApp({ instances: { list, listFull } });
    const get = async (query: string) => (await app!.inject({ url: `/1.0/instances${query}` })).json().metadata;
    expect(await get('')).toEqual(['/1.0/instances/a', '/1.0/instances/b']);
    expect(await get('?recursion=1')).toHaveLength(2);
    expect(await get('?filter=status%20eq%20stopped')).toEqual(['/1.0/instances/b']);
    expect((await get('?recursion=1&filter=status+eq+stopped'))[0].name).toBe('b');
    expect(listFull).not.toHaveBeenCalled();
    expect((await get('?recursion=2'))[0]).toHaveProperty('snapshots');
    expect(await get('?instance-type=virtual-machine')).toEqual([]);
    expect(await get('?instance-type=container')).toHaveLength(2);
    expect((await app.inject({ url: '/1.0/containers' })).json().metadata).toHaveLength(2);
    expect((await app.inject({ url: '/1.0/virtual-machines' })).json().metadata).toEqual([]);
    expect((await app.inject({ url: '/1.0/instances?instance-type=x' })).statusCode).toBe(400);
    expect((await app.inject({ url: '/1.0/instances?filter=x' })).statusCode).toBe(400);
  });

  test('If-Match reaches the service, and its refusal is a 412', async () => {
    const put = vi.fn(async (_context: unknown, _name: string, _request: unknown, etag?: string) => {
      if (etag !== '"right"') throw new DomainError('precondition', 'It has changed');
      return testOperation();
    });
    app = await testApp({ instances: { put } });
    const send = (etag: string) =>
      app!.inject({
        method: 'PUT',
        url: '/1.0/instances/a',
        payload: { description: 'x' },
        headers: { 'if-match': etag },
      });
    expect((await send('"wrong"')).statusCode).toBe(412);
    expect((await send('"right"')).statusCode).toBe(202);
    expect(put.mock.calls[1]?.slice(1)).toEqual(['a', { description: 'x' }, '"right"']);
  });

  test('rename, moves, migration and backup imports', async () => {
    const rename = vi.fn(async () => testOperation());
    app = await testApp({ instances: { rename, create: async () => testOperation() } });
    const post = (url: string, payload: object) => app!.inject({ method: 'POST', url, payload });
    expect((await post('/1.0/instances/a', { name: 'b', migration: false })).statusCode).toBe(202);
    expect((await post('/1.0/instances/a', { name: 'b', migration: true })).statusCode).toBe(501);
    expect((await post('/1.0/instances/a', { name: 'b', pool: 'other' })).statusCode).toBe(501);
    expect((await post('/1.0/instances/a', {})).statusCode).toBe(400);
    expect(rename).toHaveBeenCalledTimes(1);
    expect((await post('/1.0/instances', { source: { type: 'migration' } })).statusCode).toBe(501);
    expect((await post('/1.0/instances', { source: { type: 'image', alias: 'x' } })).statusCode).toBe(202);
  });

  test('a change of state of all answers with what failed', async () => {
    const bad = testOperation({ id: '2', status: 'Failure', status_code: 400, err: 'no' });
    const bulkState = vi.fn(async () => [testOperation({ id: '1' }), testOperation({ id: '2' })]);
    const wait = async (_context: unknown, id: string) =>
      id === '2' ? bad : testOperation({ id, status: 'Success', status_code: 200 });
    app = await testApp({
      instances: { list: async () => [instance('a'), instance('b')], bulkState },
      operations: { wait },
    });
    const answer = await app.inject({ method: 'PUT', url: '/1.0/instances', payload: { state: { action: 'stop' } } });
    expect(answer.statusCode).toBe(202);
    expect(answer.json().metadata).toEqual(bad);
    expect(bulkState).toHaveBeenCalledWith(expect.anything(), ['a', 'b'], { action: 'stop' });
  });

  test('logs and the console log are never a page of our origin', async () => {
    const readLog = vi.fn(async () => Buffer.from('<script>'));
    app = await testApp({
      instances: {
        log: readLog,
        logs: async () => ['lxc.log', 'exec-output/exec_1.stdout'],
        consoleLog: async () => Buffer.from('hello'),
      },
    });
    const log = await app.inject({ url: '/1.0/instances/a/logs/lxc.log' });
    expect(log.body).toBe('<script>');
    expect(log.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'content-disposition': 'attachment; filename="lxc.log"',
    });
    expect(log.headers['content-security-policy']).toContain('sandbox');
    expect((await app.inject({ url: '/1.0/instances/a/console' })).body).toBe('hello');
    expect((await app.inject({ url: '/1.0/instances/a/console?type=vga' })).statusCode).toBe(501);
    expect((await app.inject({ url: '/1.0/instances/a/logs/exec-output' })).json().metadata).toEqual([
      '/1.0/instances/a/logs/exec-output/exec_1.stdout',
    ]);
    expect((await app.inject({ url: '/1.0/instances/a/logs' })).json().metadata).toEqual([
      '/1.0/instances/a/logs/lxc.log',
    ]);
    await app.inject({ url: '/1.0/instances/a/logs/exec-output/exec_1.stdout' });
    expect(readLog).toHaveBeenLastCalledWith(expect.anything(), 'a', 'exec-output/exec_1.stdout');
  });
});

describe('operations', () => {
  test('the list is keyed by status', async () => {
    app = await testApp({
      operations: { list: () => [testOperation(), testOperation({ id: '2', status: 'Success', status_code: 200 })] },
    });
    expect((await app.inject({ url: '/1.0/operations' })).json().metadata).toEqual({
      running: ['/1.0/operations/6a0c1b2e-0000-4000-8000-000000000001'],
      success: ['/1.0/operations/2'],
    });
    expect((await app.inject({ url: '/1.0/operations?recursion=1' })).json().metadata.success[0]).toMatchObject({
      id: '2',
    });
  });

  test('wait: a failed one is still 200; an unknown one 404; the time is a number', async () => {
    const failed = testOperation({ status: 'Failure', status_code: 400, err: 'no' });
    const wait = vi.fn(async () => failed);
    app = await testApp({
      operations: {
        wait,
        get: (_context, id) => {
          if (id !== 'x') throw new DomainError('not-found', 'Operation not found');
          return failed;
        },
      },
    });
    const answer = await app.inject({ url: '/1.0/operations/x/wait?timeout=3' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ type: 'sync', status_code: 200, metadata: { status_code: 400, err: 'no' } });
    expect(wait).toHaveBeenCalledWith(expect.anything(), 'x', 3);
    await app.inject({ url: '/1.0/operations/x/wait' });
    expect(wait).toHaveBeenLastCalledWith(expect.anything(), 'x', -1);
    expect((await app.inject({ url: '/1.0/operations/y/wait' })).statusCode).toBe(404);
    expect((await app.inject({ url: '/1.0/operations/x/wait?timeout=soon' })).statusCode).toBe(400);
  });

  test('DELETE cancels', async () => {
    const cancel = vi.fn(async () => undefined);
    app = await testApp({ operations: { cancel } });
    expect((await app.inject({ method: 'DELETE', url: '/1.0/operations/x' })).statusCode).toBe(200);
    expect(cancel).toHaveBeenCalledWith(expect.anything(), 'x');
  });
});

describe('server', () => {
  test('strangers see the server without what it can do', async () => {
    const services = { server: { info: async () => ({ value: { auth: 'x' }, etag: '"e"' }) } };
    app = await testApp(services, { identity: stranger });
    expect((await app.inject({ url: '/1.0' })).json().metadata).toEqual({ auth: 'x', api_extensions: [] });
    expect((await app.inject({ url: '/' })).json().metadata).toEqual(['/1.0']);
    await app.close();
    app = await testApp(services);
    expect((await app.inject({ url: '/1.0' })).json().metadata.api_extensions).toContain('instances');
  });

  test('warnings, as URLs and as objects', async () => {
    const warning = { uuid: '6a0c1b2e-0000-4000-8000-000000000001', severity: 'high' as const, last_message: 'why' };
    app = await testApp({ server: { warnings: async () => [warning as never] } });
    const get = async (url: string) => (await app!.inject({ url })).json();
    const url = `/1.0/warnings/${warning.uuid}`;
    expect((await get('/1.0/warnings')).metadata).toEqual([url]);
    expect((await get('/1.0/warnings?recursion=1')).metadata).toEqual([warning]);
    expect((await get(url)).metadata).toEqual(warning);
    expect((await get('/1.0/warnings/other')).error_code).toBe(404);
  });

  test('what is fixed: projects, cluster, certificates, the list of keys', async () => {
    app = await testApp({});
    const get = async (url: string) => (await app!.inject({ url })).json().metadata;
    expect(await get('/1.0/projects')).toEqual(['/1.0/projects/default']);
    expect(await get('/1.0/projects/default')).toMatchObject({ name: 'default' });
    expect((await app.inject({ url: '/1.0/projects/x' })).statusCode).toBe(404);
    expect((await app.inject({ method: 'POST', url: '/1.0/projects', payload: {} })).statusCode).toBe(501);
    expect(await get('/1.0/cluster')).toMatchObject({ enabled: false });
    expect(await get('/1.0/certificates')).toEqual([]);
    expect((await get('/1.0/metadata/configuration')).configs).toHaveProperty('instance');
  });
});

describe('profiles, networks, storage', () => {
  test('create answers 201 with the address', async () => {
    app = await testApp({
      profiles: { create: async () => ({ name: 'p 1' }) as never },
      networks: { create: async () => ({ name: 'br0' }) as never },
      storage: { create: async () => ({ name: 'pool', driver: 'dir' }) as never },
    });
    for (const [url, location] of [
      ['/1.0/profiles', '/1.0/profiles/p%201'],
      ['/1.0/networks', '/1.0/networks/br0'],
      ['/1.0/storage-pools', '/1.0/storage-pools/pool'],
    ] as const) {
      const answer = await app.inject({ method: 'POST', url, payload: {} });
      expect(answer.statusCode).toBe(201);
      expect(answer.headers.location).toBe(location);
      expect(answer.json()).toMatchObject({ type: 'sync', status: 'Success', status_code: 200 });
    }
  });

  test('volumes by type and name', async () => {
    const volumes = async () => [
      { name: 'a', type: 'container', pool: 'p' } as never,
      { name: 'f', type: 'image', pool: 'p' } as never,
    ];
    app = await testApp({ storage: { volumes } });
    const get = async (url: string) => (await app!.inject({ url })).json().metadata;
    expect(await get('/1.0/storage-pools/p/volumes')).toEqual([
      '/1.0/storage-pools/p/volumes/container/a',
      '/1.0/storage-pools/p/volumes/image/f',
    ]);
    expect(await get('/1.0/storage-pools/p/volumes/image')).toEqual(['/1.0/storage-pools/p/volumes/image/f']);
    expect(await get('/1.0/storage-pools/p/volumes/container/a')).toMatchObject({ name: 'a' });
    expect((await app.inject({ url: '/1.0/storage-pools/p/volumes/container/b' })).statusCode).toBe(404);
  });
});
