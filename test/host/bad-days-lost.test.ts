import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type WebSocket from 'ws';
import { Session } from '../support/session.ts';
import { TestServer, until } from '../support/server.ts';

/** Clients that lose their connection, or do not read. */
const server = new TestServer();
const { rest } = server;

beforeAll(async () => {
  await server.start();
  await rest.finish('POST', '/1.0/instances', {
    name: 'box',
    source: { type: 'image', recipe: 'busybox' },
    start: true,
  });
});
afterAll(() => server.destroy());

const opened = (socket: WebSocket) =>
  new Promise<WebSocket>((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });

/** Processes inside and beside the instance with these words in their command, exactly. */
function running(command: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() === command;
      } catch {
        return false;
      }
    });
}

test.each([
  { interactive: false, seconds: '43211' },
  { interactive: true, seconds: '43212' },
])(
  'a client that goes away in the middle of a command ends it (interactive: $interactive)',
  async ({ interactive, seconds }) => {
    const request = { command: ['sleep', seconds], 'wait-for-websocket': true, interactive };
    const { body } = await rest.call('POST', '/1.0/instances/box/exec', request);
    const { fds } = body.metadata.metadata as { fds: Record<string, string> };
    const sockets = await Promise.all(
      Object.values(fds).map((secret) => opened(rest.socket(`${body.operation}/websocket?secret=${secret}`))),
    );
    await until('the command to run', 60_000, () => running(`sleep ${seconds}`).length > 0);
    for (const socket of sockets) socket.terminate();
    await until('the command to end', 60_000, () => running(`sleep ${seconds}`).length === 0);
    const ended = await rest.get(`${body.operation}/wait?timeout=60`);
    if (ended.status === 200) expect(ended.body.metadata.status_code).toBeGreaterThanOrEqual(200);
    else expect(ended.status).toBe(404);
  },
);

/** Acknowledges all it gets, as a browser does; `text` grows. */
function follow(socket: WebSocket): { text: string } {
  const seen = { text: '' };
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) return;
    seen.text += data.toString();
    socket.send(JSON.stringify({ type: 'ack', bytes: data.length }));
  });
  return seen;
}

test('a terminal session goes on without its browser, and shows the same screen again', async () => {
  const session = await new Session(server).setUp();
  const { id } = await session.mutate('terminals.create', { instance: 'box' });
  const first = session.socket(`/ws/terminals/${id}?cols=80&rows=24`);
  const before = follow(first);
  await opened(first);
  // Quotes, so that the echo of the input is not taken for the output.
  first.send(Buffer.from('echo be"fore" the cut; sleep 43213\n'));
  await until(
    'the command to run',
    60_000,
    () => running('sleep 43213').length > 0 && before.text.includes('before the cut'),
  );
  const [pid] = running('sleep 43213');
  first.terminate();
  await until('the browser to be gone', 60_000, async () => {
    const sessions = (await session.query('terminals.list')) as { id: string; clients: number; status: string }[];
    return sessions.some((found) => found.id === id && found.clients === 0 && found.status === 'running');
  });
  const second = session.socket(`/ws/terminals/${id}?cols=80&rows=24`);
  const after = follow(second);
  await opened(second);
  await until('the same screen', 60_000, () => after.text.includes('before the cut'));
  expect(running('sleep 43213')).toEqual([pid]);
  // It is no picture: Ctrl-C reaches the process, and the shell answers.
  second.send(Buffer.from([3]));
  second.send(Buffer.from('echo af"ter" the cut\n'));
  await until('the shell', 60_000, () => after.text.includes('after the cut'));
  expect(running('sleep 43213')).toEqual([]);
  second.terminate();
  await session.mutate('terminals.close', { id });
});

test('a reader of events that does not read is let go, and only that one', async () => {
  const quick = await opened(rest.socket('/1.0/events'));
  const slow = await opened(rest.socket('/1.0/events'));
  let received = 0;
  let closed = false;
  quick.on('message', (data: Buffer) => (received += data.length));
  slow.once('close', () => (closed = true));
  slow.pause();
  const argument = 'x'.repeat(100_000);
  const residentBytes = () =>
    1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]);
  const startBytes = residentBytes();
  for (let round = 0; round < 60 && received < 24 * 1024 ** 2; round++)
    await rest.finish('POST', '/1.0/instances/box/exec', { command: ['true', argument] });
  expect(received).toBeGreaterThan(16 * 1024 ** 2);
  slow.resume();
  await until('the slow reader to be let go', 60_000, () => closed);
  expect(residentBytes() - startBytes).toBeLessThan(512 * 1024 ** 2);
  // The other one has lost nothing and goes on.
  expect(quick.readyState).toBe(quick.OPEN);
  const before = received;
  await rest.finish('POST', '/1.0/instances/box/exec', { command: ['true'] });
  await until('one more event', 60_000, () => received > before);
  quick.terminate();
});
