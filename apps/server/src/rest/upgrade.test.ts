import { createServer, request, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { ServerEvent } from '@stapes/contract/event';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { createLog } from '../log.ts';
import type { Identity } from '../services/context.ts';
import type { EventsService, Services } from '../services/services.ts';
import { administrator, stranger, testApp, testOperation, type PartialServices } from './test-app.ts';
import { handleRestUpgrade } from './upgrade.ts';

let directory = '';
let server: Server | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stapes-rest-'));
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function listen(made: Server): Promise<string> {
  server = made;
  const path = join(directory, 's');
  await new Promise<void>((resolve) => made.listen(path, resolve));
  return path;
}

/** Answers with the status of a refusal, or with the open socket. */
async function dial(
  services: PartialServices,
  url: string,
  identity: Identity = administrator,
): Promise<number | WebSocket> {
  const made = createServer();
  made.on('upgrade', (incoming, socket, head) => {
    const taken = handleRestUpgrade(
      { services: services as Services, log: createLog('silent') },
      { request: incoming, socket, head, identity, requestId: 'r' },
    );
    if (!taken) socket.end('HTTP/1.1 418 Not ours\r\n\r\n');
  });
  const path = await listen(made);
  const socket = new WebSocket(`ws+unix://${path}:${url}`);
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', reject);
  });
}

const secret = 'a'.repeat(64);
const operations = {
  checkSecret: (_context: unknown, id: string, given: string) => {
    if (id !== 'x') throw new DomainError('not-found', 'Operation not found');
    if (given !== secret) throw new DomainError('forbidden', 'The secret is not right');
  },
};

describe('operation sockets', () => {
  test('the right secret hands the socket to the service', async () => {
    const connect = vi.fn((_context: unknown, _id: string, _secret: string, socket: { send(text: string): void }) =>
      socket.send('hello'),
    );
    const socket = await dial(
      { operations: { ...operations, connect } },
      `/1.0/operations/x/websocket?secret=${secret}`,
    );
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    expect(connect.mock.calls[0]?.slice(1, 3)).toEqual(['x', secret]);
    socket.terminate();
  });

  test.each([
    ['a wrong secret', `/1.0/operations/x/websocket?secret=${'c'.repeat(64)}`, administrator, 403],
    ['no secret', '/1.0/operations/x/websocket', administrator, 400],
    ['an unknown operation', `/1.0/operations/y/websocket?secret=${secret}`, administrator, 404],
    ['a stranger', `/1.0/operations/x/websocket?secret=${secret}`, stranger, 403],
    ['another address', '/1.0/nothing', administrator, 404],
    ['a stranger at another address', '/1.0/nothing', stranger, 403],
    ['what is not of this door', '/ws/terminals/x', administrator, 418],
  ])('%s', async (_name, url, identity, status) => {
    const connect = vi.fn();
    expect(await dial({ operations: { ...operations, connect } }, url, identity)).toBe(status);
    expect(connect).not.toHaveBeenCalled();
  });

  test('a refusal of the service closes the socket', async () => {
    const connect = () => {
      throw new DomainError('forbidden', 'It has been used');
    };
    const socket = await dial(
      { operations: { ...operations, connect } },
      `/1.0/operations/x/websocket?secret=${secret}`,
    );
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    const [code, reason] = await new Promise<[number, string]>((resolve) =>
      socket.on('close', (number, text) => resolve([number, text.toString()])),
    );
    expect([code, reason]).toEqual([1008, 'It has been used']);
  });
});

describe('events', () => {
  const subscribe = (seen: unknown[], ended: () => void, event: ServerEvent): EventsService['subscribe'] => {
    return (_context, options, listener) => {
      seen.push(options);
      listener(event);
      return ended;
    };
  };
  const event = {
    type: 'lifecycle',
    timestamp: 't',
    location: 'none',
    project: 'default',
    metadata: { action: 'a', source: 's' },
  } as const;

  test('one JSON object a text frame; the subscription ends with the socket', async () => {
    const seen: unknown[] = [];
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const dialled = await dial(
      { events: { subscribe: subscribe(seen, () => end(), event) } },
      '/1.0/events?type=lifecycle,operation&all-projects=true',
    );
    if (typeof dialled === 'number') throw new Error(`refused with ${dialled}`);
    expect(seen).toEqual([{ types: ['lifecycle', 'operation'], project: null }]);
    dialled.close();
    await ended;
  });

  test('defaults, and types that are not there', async () => {
    const seen: unknown[] = [];
    const services = { events: { subscribe: subscribe(seen, () => undefined, event) } };
    const socket = await dial(services, '/1.0/events');
    expect(seen).toEqual([{ types: ['lifecycle', 'operation', 'logging'], project: 'default' }]);
    if (typeof socket !== 'number') socket.terminate();
    server?.close();
    rmSync(join(directory, 's'), { force: true });
    expect(await dial(services, '/1.0/events?type=odd')).toBe(400);
  });
});

describe('over a real socket', () => {
  test('wait sends its headers at once and its body at the end', async () => {
    let finish: (value: ReturnType<typeof testOperation>) => void = () => undefined;
    const app = await testApp({
      operations: { get: () => testOperation(), wait: () => new Promise((resolve) => (finish = resolve)) },
    });
    const path = await listen(app.server);
    const body = await new Promise<string>((resolve, reject) => {
      request({ socketPath: path, path: '/1.0/operations/x/wait' }, (response) => {
        expect(response.statusCode).toBe(200);
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
        finish(testOperation({ status: 'Success', status_code: 200 }));
      })
        .on('error', reject)
        .end();
    });
    expect(JSON.parse(body)).toMatchObject({ type: 'sync', metadata: { status: 'Success' } });
  });

  test('a body that never ends is refused when it passes the limit, and the server goes on', async () => {
    const app = await testApp({ profiles: { create: async () => ({ name: 'x' }) as never, list: async () => [] } });
    const path = await listen(app.server);
    const status = await new Promise<number>((resolve, reject) => {
      const call = request({ socketPath: path, path: '/1.0/profiles', method: 'POST' }, (response) => {
        resolve(response.statusCode ?? 0);
        response.resume();
        call.destroy();
      });
      call.on('error', reject);
      const chunk = Buffer.alloc(256 * 1024, 0x20);
      const send = () => {
        while (call.writable && call.write(chunk));
        call.once('drain', send);
      };
      send();
    });
    expect(status).toBe(413);
    const after = await new Promise<number>((resolve, reject) => {
      request({ socketPath: path, path: '/1.0/profiles' }, (response) => resolve(response.resume().statusCode ?? 0))
        .on('error', reject)
        .end();
    });
    expect(after).toBe(200);
  });

  test('an upload that breaks off is disposed of', async () => {
    const disposed = new Promise<void>((resolve) => {
      void testApp({
        images: {
          openUpload: async () => ({ directory, maxBytes: 10_000_000, dispose: async () => resolve() }),
          importUpload: async () => {
            throw new Error('must not be reached');
          },
        },
      }).then(async (app) => {
        const path = await listen(app.server);
        const call = request({
          socketPath: path,
          path: '/1.0/images',
          method: 'POST',
          headers: { 'content-length': '5000000', 'content-type': 'application/octet-stream' },
        });
        call.on('error', () => undefined);
        call.write(Buffer.alloc(100_000), () => call.destroy());
      });
    });
    await disposed;
  });
});
