import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { DomainError } from '@stapes/contract/errors';
import type { TerminalAttachment } from '@stapes/runtime/terminals/terminal-host';
import { afterEach, beforeEach, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createLog } from '../log.ts';
import type { Context } from '../services/context.ts';
import { createTerminalDoor } from './terminal-socket.ts';

const context: Context = {
  identity: { username: 'admin', protocol: 'session' },
  project: 'default',
  requestId: '1',
  address: '::1',
};
let server: Server;
let written: unknown[];
let stream: Duplex;
let isClosed: boolean;
let asked: unknown[];

beforeEach(async () => {
  [written, asked, isClosed] = [[], [], false];
  stream = new Duplex({
    objectMode: true,
    read: () => undefined,
    write: (frame, _encoding, done) => {
      written.push(frame);
      done();
    },
  });
  const attachment: TerminalAttachment = {
    stream,
    close: () => {
      isClosed = true;
      stream.destroy();
    },
  };
  const attach = async (_context: Context, id: string, size: object) => {
    asked.push([id, size]);
    if (id === 'gone') throw new DomainError('not-found', 'There is no terminal gone any more');
    return attachment;
  };
  const door = createTerminalDoor({ services: { terminals: { attach } as never }, log: createLog('silent') });
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    door({ request, socket, head, context }).catch((error: Error) =>
      socket.end(`HTTP/1.1 400 ${error.message}\r\n\r\n`),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function open(path: string): { socket: WebSocket; received: (string | Buffer)[]; closed: Promise<number> } {
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  const received: (string | Buffer)[] = [];
  socket.on('message', (data: Buffer, isBinary) => received.push(isBinary ? data : data.toString()));
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)));
  return { socket, received, closed };
}

it('carries bytes and messages both ways, in order', async () => {
  const { socket, received, closed } = open('/ws/terminals/abc?cols=100&rows=30');
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(Buffer.from('typed'));
  socket.send(JSON.stringify({ type: 'resize', cols: 120, rows: 40 }));
  socket.send(JSON.stringify({ type: 'ack', bytes: 7 }));
  socket.send(JSON.stringify({ type: 'ping' }));
  stream.push({ kind: 'control', message: { type: 'screen', cols: 100, rows: 30, bytes: 6 } });
  stream.push({ kind: 'data', bytes: Buffer.from('screen') });
  stream.push({ kind: 'data', bytes: Buffer.from('more') });
  await expect.poll(() => received.length).toBe(4);
  expect(asked).toEqual([['abc', { cols: 100, rows: 30 }]]);
  expect(received.filter((message) => message !== '{"type":"pong"}')).toEqual([
    '{"type":"screen","cols":100,"rows":30,"bytes":6}',
    Buffer.from('screen'),
    Buffer.from('more'),
  ]);
  await expect.poll(() => written.length).toBe(3);
  expect(written).toEqual([
    { kind: 'data', bytes: Buffer.from('typed') },
    { kind: 'control', message: { type: 'resize', cols: 120, rows: 40 } },
    { kind: 'control', message: { type: 'ack', bytes: 7 } },
  ]);
  socket.close();
  await closed;
  await expect.poll(() => isClosed).toBe(true);
});

it('tells a browser by the close code why there is no terminal', async () => {
  expect(await open('/ws/terminals/gone').closed).toBe(4404);
  const { socket, closed } = open('/ws/terminals/abc');
  await new Promise((resolve) => socket.on('open', resolve));
  stream.push(null);
  expect(await closed).toBe(4408);
});

it.each([
  ['what is no message', '{"type":"explode"}'],
  ['what is no JSON', 'hello'],
  ['a size out of range', '{"type":"resize","cols":0,"rows":1}'],
])('ends a connection that sends %s', async (_name, text) => {
  const { socket, closed } = open('/ws/terminals/abc');
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(text);
  expect(await closed).toBe(1008);
  expect(written).toEqual([]);
});

it.each([
  '/ws/terminals/',
  '/ws/terminals/a/b',
  '/ws/terminals/..',
  '/ws/terminals/abc?cols=0',
  '/ws/terminals/abc?rows=x',
])('refuses %s', async (path) => {
  expect(await open(path).closed).toBe(1006);
  expect(asked).toEqual([]);
});
