import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTRPCClient, createWSClient, httpBatchLink, wsLink } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createSetupLink } from '../auth/setup-link.ts';
import type { ServerConfig } from '../config.ts';
import { createLog } from '../log.ts';
import type { Context } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import type { AppRouter } from '../trpc/router.ts';
import { startDoors, type Doors } from './doors.ts';

const root = new URL('../../../..', import.meta.url).pathname;
const passphrase = 'correct horse battery';
const page = '<!doctype html><script>self.__next_f=[]</script><script src="/a.js"></script>';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

let directory: string;
let config: ServerConfig;
let store: Store;
let doors: Doors;
let port: number;
let cookie = '';
let contexts: Context[] = [];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Services that only note who asks. */
function fakeServices(): Services {
  const services = {
    instances: {
      list: async (context: Context) => {
        contexts.push(context);
        return [];
      },
      async *usageStream(context: Context, signal: AbortSignal) {
        contexts.push(context);
        yield { web1: { t: 1, cpu: 0, memory: 0, memoryTotal: 0, rx: 0, tx: 0 } };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
    server: { info: async () => ({ value: { auth: 'trusted' }, etag: '"1"' }) },
  };
  return services as unknown as Services;
}

function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method: options.method ?? 'GET',
        headers: { host: `localhost:${port}`, ...headers },
        rejectUnauthorized: false,
        agent: false,
      },
      (response) => collect(response, resolve),
    );
    request.on('error', reject);
    request.end(body);
  });
}
function askUnix(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath: join(directory, 'unix.socket'), path, agent: false }, (response) =>
      collect(response, resolve),
    );
    request.on('error', reject);
    request.end();
  });
}
function collect(response: import('node:http').IncomingMessage, resolve: (answer: Answer) => void): void {
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (text: string) => (body += text));
  response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
}
const call = (name: string, input?: unknown, headers: Record<string, string> = {}) =>
  ask(`/trpc/${name}`, { method: 'POST', body: input ?? {}, headers: { origin: config.origin, ...headers } });
const query = (name: string, headers: Record<string, string> = {}) => ask(`/trpc/${name}`, { headers });
const cookieOf = (answer: Answer) => answer.headers['set-cookie']?.at(-1)?.split(';')[0] ?? '';
const domainOf = (answer: Answer) =>
  (JSON.parse(answer.body) as { error: { data: { domain: { code: string; details: object } } } }).error.data.domain;

function upgrade(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, {
      headers: { host: `localhost:${port}`, ...headers },
      rejectUnauthorized: false,
    });
    socket.on('open', () => {
      socket.close();
      resolve(101);
    });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    socket.on('error', () => undefined);
  });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'stapes-doors-'));
  const webDir = mkdtempSync(join(directory, 'web-'));
  writeFileSync(join(webDir, 'index.html'), page);
  writeFileSync(join(webDir, '404.html'), 'nothing here');
  port = await freePort();
  const origin = `https://localhost:${port}`;
  config = {
    stateDir: directory,
    cacheDir: directory,
    listen: { host: '127.0.0.1', port },
    origin,
    insecureHttp: false,
    logLevel: 'silent',
    socketGroup: 'no-such-group',
    webDir,
  };
  const log = createLog('silent');
  store = await openStore({
    file: ':memory:',
    migrationsDir: join(root, 'prisma/sqlite/migrations'),
    backupsDir: join(directory, 'backups'),
    log,
  });
  doors = await startDoors({ config, log, store, services: fakeServices() });
});
afterAll(async () => {
  await doors.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

describe('the first run', () => {
  it('prints a link, whose token is stored as a hash only', async () => {
    expect(doors.setupUrl).toMatch(new RegExp(`^https://localhost:${port}/setup#token=[A-Za-z0-9_-]{43}$`));
    const token = new URL(doors.setupUrl ?? '').hash.slice('#token='.length);
    expect(JSON.stringify(await store.settings.all())).not.toContain(token);
  });
  it('keeps the key to itself', () => {
    expect(statSync(join(directory, 'tls/server.key')).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'unix.socket')).mode & 0o777).toBe(0o660);
  });
  it('refuses a wrong token and a short passphrase, then signs in, once', async () => {
    const token = new URL(doors.setupUrl ?? '').hash.slice('#token='.length);
    expect(domainOf(await call('auth.setup', { token: 'x'.repeat(43), passphrase })).code).toBe('forbidden');
    expect(domainOf(await call('auth.setup', { token, passphrase: 'short' }))).toMatchObject({
      code: 'invalid',
      details: { field: 'passphrase' },
    });
    const done = await call('auth.setup', { token, passphrase });
    expect(done.status).toBe(200);
    expect(done.headers['set-cookie']?.[0]).toMatch(
      /^__Host-stapes=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=(2592000|25919\d\d)$/,
    );
    expect(domainOf(await call('auth.setup', { token, passphrase })).code).toBe('forbidden');
  });
});

describe('sessions', () => {
  it('tells strangers no more than how to sign in', async () => {
    expect(domainOf(await query('instances.list')).code).toBe('unauthenticated');
    expect(JSON.parse((await query('auth.status')).body)).toMatchObject({
      result: { data: { setUp: true, signedIn: false, username: null } },
    });
  });
  it('refuses a wrong passphrase and takes the right one', async () => {
    expect(domainOf(await call('auth.login', { passphrase: 'wrong wrong wrong' })).code).toBe('forbidden');
    cookie = cookieOf(await call('auth.login', { passphrase }));
    expect((await query('instances.list', { cookie })).status).toBe(200);
    expect(contexts.at(-1)?.identity).toMatchObject({ username: 'admin', protocol: 'session' });
  });
  it('forgets a session at logout', async () => {
    const other = cookieOf(await call('auth.login', { passphrase }));
    const out = await call('auth.logout', {}, { cookie: other });
    expect(out.headers['set-cookie']?.[0]).toMatch(/^__Host-stapes=; .*Max-Age=0$/);
    expect((await query('instances.list', { cookie: other })).status).toBe(401);
  });
  it('ends the websockets of a session that is revoked', async () => {
    const other = cookieOf(await call('auth.login', { passphrase }));
    const socket = new WebSocket(`wss://127.0.0.1:${port}/trpc`, {
      headers: { host: `localhost:${port}`, origin: config.origin, cookie: other },
      rejectUnauthorized: false,
    });
    await new Promise((resolve) => socket.on('open', resolve));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const { result } = JSON.parse((await query('auth.sessions', { cookie: other })).body) as {
      result: { data: { id: string; current: boolean }[] };
    };
    const id = result.data.find((session) => session.current)?.id;
    await call('auth.revokeSession', { id }, { cookie });
    await closed;
    expect((await query('auth.sessions', { cookie: other })).status).toBe(401);
  });
  it('lets the holder of a new link choose a new passphrase, and ends all sessions', async () => {
    const other = cookieOf(await call('auth.login', { passphrase }));
    const url = await createSetupLink(store, config.origin);
    const done = await call('auth.setup', { token: new URL(url).hash.slice('#token='.length), passphrase });
    expect((await query('instances.list', { cookie: other })).status).toBe(401);
    cookie = cookieOf(done);
    expect((await query('instances.list', { cookie })).status).toBe(200);
  });
});

describe('other sites', () => {
  it.each([
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['another port of this host', { origin: 'https://localhost:1' }],
    ['a foreign page by its fetch metadata', { 'sec-fetch-site': 'cross-site' }],
    ['a page of the same site', { 'sec-fetch-site': 'same-site' }],
    ['an opaque origin', { origin: 'null' }],
  ])('may not write: %s', async (_name, headers: Record<string, string>) => {
    const before = contexts.length;
    expect((await ask('/trpc/auth.logout', { method: 'POST', body: {}, headers: { cookie, ...headers } })).status).toBe(
      403,
    );
    expect((await ask('/1.0/instances', { method: 'POST', body: {}, headers: { cookie, ...headers } })).status).toBe(
      403,
    );
    expect(contexts).toHaveLength(before);
    expect((await query('instances.list', { cookie })).status).toBe(200);
  });
  it('may not open any websocket', async () => {
    for (const path of ['/trpc', '/1.0/events', '/ws/terminals/abc', '/1.0/operations/x/websocket?secret=y']) {
      expect(await upgrade(path, { cookie, origin: 'https://evil.example' }), path).toBe(403);
      expect(await upgrade(path, { cookie }), path).toBe(403);
    }
    expect(await upgrade('/trpc', { cookie, origin: config.origin })).toBe(101);
  });
  it('cannot be turned on us by a name server', async () => {
    expect((await ask('/', { headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await ask('/trpc/auth.status', { headers: { host: 'evil.example' } })).status).toBe(403);
    expect((await ask('/', { headers: { host: '127.0.0.1' } })).status).toBe(200);
  });
  it('strangers open no websocket', async () => {
    for (const path of ['/trpc', '/1.0/events', '/ws/terminals/abc']) {
      expect(await upgrade(path, { origin: config.origin }), path).toBe(403);
    }
    expect(await upgrade('/elsewhere', { cookie, origin: config.origin })).toBe(404);
  });
});

describe('answers', () => {
  it('carries the security headers, with a hash of each inline script', async () => {
    const shell = await ask('/');
    expect(shell.body).toBe(page);
    const policy = String(shell.headers['content-security-policy']);
    expect(policy).toMatch(/script-src 'self' 'sha256-[\w+/=]{44}';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy.split('style-src')[0]).not.toContain('unsafe-inline');
    for (const answer of [shell, await query('auth.status'), await ask('/1.0')]) {
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      });
      expect(answer.headers['x-request-id']).toBeTruthy();
    }
  });
  it('gives a page for what is not there', async () => {
    expect(await ask('/no/such/page')).toMatchObject({ status: 404, body: 'nothing here' });
    expect((await ask('/%E0%A4%A')).status).toBeLessThan(500);
    expect((await ask('/..%2f..%2fetc/passwd')).status).toBe(404);
  });
  it('knows the process behind the unix socket', async () => {
    expect((await askUnix('/1.0/instances?recursion=1')).status).toBe(200);
    expect(contexts.at(-1)?.identity).toEqual({ username: 'root (unix)', protocol: 'unix' });
    expect(contexts.at(-1)?.address).toBe('@');
  });
  it('serves batches and subscriptions', async () => {
    const headers = { cookie, origin: config.origin };
    const insecure = (url: unknown) =>
      ask(String(url).slice(config.origin.length), { headers }).then((a) => new Response(a.body, { status: a.status }));
    const http = createTRPCClient<AppRouter>({
      links: [httpBatchLink({ url: `${config.origin}/trpc`, fetch: insecure as never })],
    });
    const many = await Promise.all(Array.from({ length: 40 }, () => http.instances.list.query()));
    expect(many).toHaveLength(40);
    class Socket extends WebSocket {
      constructor(url: string) {
        super(url, { headers: { ...headers, host: `localhost:${port}` }, rejectUnauthorized: false });
      }
    }
    const client = createWSClient({
      url: `wss://127.0.0.1:${port}/trpc`,
      WebSocket: Socket as unknown as typeof globalThis.WebSocket,
    });
    const live = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
    const first = await new Promise((resolve, reject) => {
      live.instances.usageStream.subscribe(undefined, { onData: resolve, onError: reject });
    });
    expect(first).toMatchObject({ web1: { t: 1 } });
    await client.close();
  });
});

it('slows down guessing, for one address and not for ever', async () => {
  contexts = [];
  const codes: string[] = [];
  for (let index = 0; index < 8; index++)
    codes.push(domainOf(await call('auth.login', { passphrase: `wrong ${index} wrong` })).code);
  expect(codes.slice(0, 3)).toEqual(['forbidden', 'forbidden', 'forbidden']);
  expect(codes.at(-1)).toBe('rate-limited');
});

it('refuses a second server on the same directory or port', async () => {
  await expect(startDoors({ config, log: createLog('silent'), store, services: fakeServices() })).rejects.toThrow(
    /Another server answers/,
  );
  const elsewhere = { ...config, stateDir: mkdtempSync(join(directory, 'second-')) };
  await expect(
    startDoors({ config: elsewhere, log: createLog('silent'), store, services: fakeServices() }),
  ).rejects.toThrow(/is taken by another program/);
});
