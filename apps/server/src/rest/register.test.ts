import { DomainError, errorCodes } from '@stapes/contract/errors';
import { afterEach, describe, expect, test } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { httpStatusOf } from './errors.ts';
import { sync, started, tagged, type Call, type Route } from './route.ts';
import { routes } from './routes.ts';
import { browser, stranger, testApp, testOperation } from './test-app.ts';
import { upgradeRoutes } from './upgrade.ts';

let app: FastifyInstance | undefined;
afterEach(async () => app?.close());

const envelopeKeys = ['error', 'error_code', 'metadata', 'operation', 'status', 'status_code', 'type'];
const echo: Route = {
  method: 'POST',
  path: '/1.0/echo',
  permission: 'admin',
  handler: (call) => sync(call.body ?? null),
};
const route = (handler: Route['handler'], values: Partial<Route> = {}): Route => ({
  method: 'GET',
  path: '/1.0/test',
  permission: 'admin',
  handler,
  ...values,
});

describe('permissions', () => {
  test('every endpoint states one, and only two are open to strangers', () => {
    for (const { method, path, permission } of routes)
      expect(['public', 'admin'], `${method} ${path}`).toContain(permission);
    for (const { pattern, permission } of upgradeRoutes) expect(permission, String(pattern)).toBe('admin');
    const open = routes.filter((one) => one.permission === 'public').map((one) => `${one.method} ${one.path}`);
    expect(open.sort()).toEqual(['GET /', 'GET /1.0']);
  });

  test('no address is declared twice', () => {
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test('an endpoint without one cannot be registered', async () => {
    const bad = { method: 'GET', path: '/1.0/bad', handler: () => sync(1) } as unknown as Route;
    await expect(testApp({}, { routes: [bad] })).rejects.toThrow(/states no permission/);
  });

  test('a stranger gets 403 from every closed endpoint, before any service is asked', async () => {
    app = await testApp({}, { identity: stranger });
    for (const { method, path, permission } of routes) {
      if (permission === 'public') continue;
      const url = path.replace(/:\w+/g, 'x').replace('*', 'x');
      const answer = await app.inject({
        method,
        url,
        ...(method === 'GET' || method === 'HEAD' ? {} : { payload: {} }),
      });
      expect(answer.statusCode, `${method} ${url}`).toBe(403);
    }
    // Missing and forbidden answer alike.
    expect((await app.inject({ url: '/1.0/nothing' })).statusCode).toBe(403);
  });
});

describe('envelopes', () => {
  test('sync, with ETag', async () => {
    app = await testApp({}, { routes: [route(() => tagged({ value: { a: 1 }, etag: '"x"' }))] });
    const answer = await app.inject({ url: '/1.0/test' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.etag).toBe('"x"');
    expect(Object.keys(answer.json()).sort()).toEqual(envelopeKeys);
    expect(answer.json()).toMatchObject({
      type: 'sync',
      status: 'Success',
      status_code: 200,
      operation: '',
      error: '',
      error_code: 0,
      metadata: { a: 1 },
    });
  });

  test('async', async () => {
    const operation = testOperation();
    app = await testApp({}, { routes: [route(() => started(operation))] });
    const answer = await app.inject({ url: '/1.0/test' });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers.location).toBe(`/1.0/operations/${operation.id}`);
    expect(Object.keys(answer.json()).sort()).toEqual(envelopeKeys);
    expect(answer.json()).toMatchObject({
      type: 'async',
      status: 'Operation created',
      status_code: 100,
      operation: `/1.0/operations/${operation.id}`,
      metadata: operation,
    });
  });

  test('error: each code has its status, which is in the body too', async () => {
    for (const code of errorCodes) {
      const failing = await testApp(
        {},
        {
          routes: [
            route(() => {
              throw new DomainError(code, 'Because');
            }),
          ],
        },
      );
      const answer = await failing.inject({ url: '/1.0/test' });
      expect(answer.statusCode, code).toBe(httpStatusOf[code]);
      expect(answer.json()).toEqual({
        type: 'error',
        status: '',
        status_code: 0,
        operation: '',
        error_code: httpStatusOf[code],
        error: 'Because',
        metadata: null,
      });
      await failing.close();
    }
  });

  test('an unknown error keeps its text to itself', async () => {
    app = await testApp(
      {},
      {
        routes: [
          route(() => {
            throw new TypeError('secret detail');
          }),
        ],
      },
    );
    const answer = await app.inject({ url: '/1.0/test' });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('secret detail');
    expect((await app.inject({ url: '/1.0/test' })).statusCode).toBe(500);
  });

  test('unknown addresses and methods are 404 envelopes', async () => {
    app = await testApp({});
    for (const url of ['/1.0/nothing', '/1.0/instances/a/b/c/d', '/1.0/instances/a/sftp', '/internal/shutdown']) {
      const answer = await app.inject({ url });
      expect(answer.statusCode, url).toBe(404);
      expect(answer.json()).toMatchObject({ type: 'error', error_code: 404 });
    }
    expect((await app.inject({ method: 'DELETE', url: '/1.0/instances' })).statusCode).toBe(404);
  });
});

describe('request bodies', () => {
  const post = (payload: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    app!.inject({ method: 'POST', url: '/1.0/echo', payload, headers });

  test('JSON goes in, an empty body is none', async () => {
    app = await testApp({}, { routes: [echo] });
    expect((await post('{"a":[1,{"b":null}]}')).json().metadata).toEqual({ a: [1, { b: null }] });
    expect((await post('')).json().metadata).toBeNull();
    expect((await post('{')).statusCode).toBe(400);
    expect((await post(Buffer.from([0x22, 0xff, 0x22]))).statusCode).toBe(400);
  });

  test('too large, too deep and prototype keys are refused', async () => {
    app = await testApp({}, { routes: [echo] });
    expect((await post(JSON.stringify('x'.repeat(4 * 1024 * 1024)))).statusCode).toBe(413);
    expect((await post('['.repeat(34) + ']'.repeat(34))).statusCode).toBe(413);
    expect((await post('['.repeat(200_000) + ']'.repeat(200_000))).statusCode).toBe(413);
    expect((await post('['.repeat(20) + ']'.repeat(20))).statusCode).toBe(200);
    expect((await post('{"config":{"__proto__":{"x":1}}}')).statusCode).toBe(400);
  });

  test('a browser sends JSON as JSON; curl over the unix socket may forget to say so', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    app = await testApp({}, { routes: [echo] });
    expect((await post('{}', form)).statusCode).toBe(200);
    await app.close();
    app = await testApp({}, { routes: [echo], identity: browser });
    expect((await post('{}', form)).statusCode).toBe(400);
    expect((await post('{}', { 'content-type': 'text/plain' })).statusCode).toBe(400);
    expect((await post('{}', { 'content-type': 'application/json; charset=utf-8' })).statusCode).toBe(200);
  });
});

describe('context', () => {
  test('project and all-projects', async () => {
    const seen: Call[] = [];
    app = await testApp({}, { routes: [route((call) => (seen.push(call), sync(call.context.project)))] });
    expect((await app.inject({ url: '/1.0/test?project=default' })).json().metadata).toBe('default');
    expect((await app.inject({ url: '/1.0/test?project=other' })).statusCode).toBe(404);
    expect((await app.inject({ url: '/1.0/test?all-projects=true' })).statusCode).toBe(200);
    expect((await app.inject({ url: '/1.0/test?all-projects=true&project=default' })).statusCode).toBe(400);
    expect(seen[0]?.context).toMatchObject({ identity: { protocol: 'unix' }, address: '@' });
  });
});
