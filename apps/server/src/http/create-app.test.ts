import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { nobody } from '../auth/authenticate.ts';
import { createLog } from '../log.ts';
import type { Identity } from '../services/context.ts';
import { createApp } from './create-app.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(identity: Identity): Promise<number> {
  const { app, handler } = createApp({
    log: createLog('silent'),
    authenticator: { authenticate: async () => ({ identity, renewed: null, expiresAtMs: null }) },
    guard: null,
    isSecure: false,
    strangerBodyMs: 100,
  });
  app.post('/1.0/echo', async (request) => request.body);
  await app.ready();
  const made = (server = createServer(handler));
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
}

/** Sends the head and a part of the body; the rest when it is told to. Resolves with the answer as the connection ends. */
function post(port: number, path: string, rest: Promise<void>): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n`);
    socket.write('Content-Length: 7\r\n\r\n{"a":');
    void rest.then(() => socket.write('1}'));
  });
}
const never = new Promise<void>(() => undefined);
const later = () => new Promise<void>((resolve) => setTimeout(resolve, 400));

test('a body of a stranger that never ends ends the connection', async () => {
  const port = await listen(nobody);
  expect(await post(port, '/1.0/echo', never)).toBe('');
  expect(await post(port, '/nothing', never)).not.toContain('200 OK');
});

test('who has signed in may send slowly', async () => {
  const port = await listen({ username: 'admin', protocol: 'session' });
  expect(await post(port, '/1.0/echo', later())).toContain('{"a":1}');
});

test('what a stranger sends at once is answered', async () => {
  const port = await listen(nobody);
  expect(await post(port, '/1.0/echo', Promise.resolve())).toContain('{"a":1}');
});
