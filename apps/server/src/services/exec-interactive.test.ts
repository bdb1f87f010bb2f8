import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { hostEnvironment } from '@stapes/runtime/host/run';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { openPty } from './exec-pty.ts';
import { ExecSockets } from './exec-sockets.ts';
import { runInteractive } from './exec.ts';

const shell = (script: string) => ({ file: 'sh', args: ['-c', script], env: hostEnvironment });
const size = { cols: 80, rows: 24 };

describe('a terminal whose reader is paused when the command ends', () => {
  test.each([
    ['what fits into the terminal', 3000, ''],
    ['what fills more than one buffer', 40_000, ''],
    ['what comes while another process holds the terminal', 3000, 'sleep 5 & '],
  ])('keeps %s', async (_what, bytes, before) => {
    const pty = openPty(shell(`stty -onlcr; ${before}head -c ${bytes} /dev/zero; printf THE-END; exit 3`), size);
    const chunks: Buffer[] = [];
    const exit = new Promise<number>((resolve) => pty.onExit(resolve));
    pty.onData((chunk) => {
      chunks.push(chunk);
      pty.pause();
    });
    // A step every 300 ms: longer than the library waits after the end.
    const timer = setInterval(() => pty.resume(), 300);
    expect(await exit).toBe(3);
    clearInterval(timer);
    const all = Buffer.concat(chunks);
    expect(all.length).toBe(bytes + 'THE-END'.length);
    expect(all.subarray(-7).toString()).toBe('THE-END');
  });
});

test('the end of a quick command is not taken for read when a part of it is', async () => {
  const run = (bytes: number) =>
    new Promise<number>((resolve) => {
      const pty = openPty(shell(`stty -onlcr; head -c ${bytes} /dev/zero`), size);
      let received = 0;
      pty.onData((chunk) => void (received += chunk.length));
      pty.onExit(() => resolve(received));
    });
  const sizes = Array.from({ length: 24 }, (_, index) => 10_000 + index * 1000);
  for (const bytes of sizes) expect(await run(bytes)).toBe(bytes);
});

describe('an interactive command over real websockets', () => {
  let server: WebSocketServer;
  let client: WebSocket;
  let control: WebSocket;
  let sockets: ExecSockets;
  let abort: AbortController;
  let data: WebSocket;

  beforeEach(async () => {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    sockets = new ExecSockets(['0', 'control'], ['0', 'control']);
    abort = new AbortController();
    server.on('connection', (socket, { url }) => {
      if (url === '/0') data = socket;
      sockets.connect(url?.slice(1) ?? '', socket);
    });
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    [client, control] = [new WebSocket(`${url}/0`), new WebSocket(`${url}/control`)];
    await Promise.all([once(client, 'open'), once(control, 'open'), sockets.ready(abort.signal)]);
  });
  afterEach(() => {
    client.terminate();
    control.terminate();
    sockets.close();
    server.close();
  });
  const run = (script: string) =>
    runInteractive(shell(script), size, sockets, {
      ...{ signal: abort.signal, progress: () => undefined, annotate: () => undefined },
    });

  test('a slow reader gets every byte, and the server holds little of them', async () => {
    const bytes = 16_000_000;
    let received = 0;
    let tail = Buffer.alloc(0);
    let most = 0;
    let isAtEnd = false;
    client.on('message', (chunk: Buffer, isBinary) => {
      most = Math.max(most, data.bufferedAmount);
      if (!isBinary) isAtEnd = true;
      received += chunk.length;
      tail = Buffer.concat([tail, chunk]).subarray(-7);
      if (received % 7 !== 0) return;
      client.pause();
      setTimeout(() => client.resume(), 5);
    });
    client.pause();
    const ended = run(`stty -onlcr; head -c ${bytes} /dev/zero; printf THE-END; exit 4`);
    // Nobody reads: the server stops reading from the command, too.
    await expect.poll(() => data.bufferedAmount, { timeout: 15_000 }).toBeGreaterThan(1024 * 1024);
    client.resume();
    expect(await ended).toBe(4);
    await expect.poll(() => isAtEnd, { timeout: 15_000 }).toBe(true);
    expect(received).toBe(bytes + 7);
    expect(tail.toString()).toBe('THE-END');
    expect(most).toBeLessThan(2 * 1024 * 1024);
  });

  test('one that is cancelled ends, though its reader never reads', async () => {
    client.pause();
    const ended = run('echo $$; while :; do printf 0123456789; done');
    await expect.poll(() => data.bufferedAmount, { timeout: 15_000 }).toBeGreaterThan(1024 * 1024);
    abort.abort();
    expect(await ended).toBeGreaterThan(0);
  });
});
