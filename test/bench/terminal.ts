import { spawn } from '@lydell/node-pty';
import type WebSocket from 'ws';
import { Session } from '../support/session.ts';
import type { TestServer } from '../support/server.ts';
import { median, timeMs, type Line } from './measure.ts';

const floodBytes = 100_000_000;
/** Lines of text, as a build or a log prints them. */
const line = 'The quick brown fox jumps over the lazy dog, and 0123456789 times again.';
const floodText = `yes '${line}' | head -c ${floodBytes}`;
const flood = ['sh', '-c', floodText];

/** Bytes a second of the same output through a bare pty, read by this process. */
async function rawPtyBytesPerS(): Promise<number> {
  let bytes = 0;
  const ms = await timeMs(
    () =>
      new Promise<void>((done) => {
        const pty = spawn(flood[0] ?? '', flood.slice(1), { encoding: null, cols: 80, rows: 24 });
        pty.onData((chunk) => (bytes += chunk.length));
        pty.onExit(() => done());
      }),
  );
  return bytes / (ms / 1000);
}

class Viewer {
  #unacknowledged = 0;
  bytes = 0;
  onBytes: (chunk: Buffer) => void = () => undefined;
  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) return;
      this.bytes += data.length;
      this.#unacknowledged += data.length;
      if (this.#unacknowledged >= 65_536) {
        socket.send(JSON.stringify({ type: 'ack', bytes: this.#unacknowledged }));
        this.#unacknowledged = 0;
      }
      this.onBytes(data);
    });
  }
  type(text: string): void {
    this.socket.send(Buffer.from(text));
  }
  waitFor(text: string): Promise<void> {
    let seen = '';
    return new Promise((done) => {
      this.onBytes = (chunk) => {
        // The end of what was there, and of this chunk: a flood is not copied.
        seen = (seen + chunk.subarray(-4096).toString('latin1')).slice(-4096);
        if (!seen.includes(text)) return;
        this.onBytes = () => undefined;
        done();
      };
    });
  }
}

async function openViewer(session: Session, instance: string): Promise<Viewer> {
  const terminal = (await session.mutate('terminals.create', { instance, user: 'root', cols: 80, rows: 24 })) as {
    id: string;
  };
  const socket = session.socket(`/ws/terminals/${terminal.id}?cols=80&rows=24`);
  const viewer = new Viewer(socket);
  await new Promise((done, fail) => socket.once('open', done).once('error', fail));
  viewer.type('stty -echo; PS1=; echo rea""dy\r');
  await viewer.waitFor('ready');
  return viewer;
}

/** Medians of the time from a key to its echo. */
async function keyEchoMs(send: (key: string) => void, next: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let key = 0; key < 60; key++) {
    times.push(
      await timeMs(async () => {
        const echoed = next();
        send('x');
        await echoed;
      }),
    );
  }
  return median(times.slice(10));
}

async function rawEchoMs(): Promise<number> {
  const pty = spawn('cat', [], { encoding: null, cols: 80, rows: 24 });
  let wake: () => void = () => undefined;
  pty.onData(() => wake());
  try {
    return await keyEchoMs(
      (key) => pty.write(key),
      () => new Promise((done) => (wake = done)),
    );
  } finally {
    pty.kill();
  }
}

/** The terminal through the browser's door (TLS, websocket, terminal host, lxc-attach) against a bare pty. */
export async function terminalLines(server: TestServer): Promise<Line[]> {
  const session = await new Session(server).setUp();
  await server.rest.finish('POST', '/1.0/instances', {
    name: 'b-term',
    start: true,
    source: { type: 'image', alias: 'debian/12' },
  });
  const viewer = await openViewer(session, 'b-term');
  const rates: number[] = [];
  const raw: number[] = [];
  for (let run = 0; run < 3; run++) {
    raw.push(await rawPtyBytesPerS());
    const before = viewer.bytes;
    const ms = await timeMs(async () => {
      const ended = viewer.waitFor('flood-end');
      viewer.type(`${floodText}; echo flood-"end"\r`);
      await ended;
    });
    rates.push((viewer.bytes - before) / (ms / 1000));
  }
  viewer.type('stty echo; cat\r');
  await new Promise((done) => setTimeout(done, 1_000));
  const echo = await keyEchoMs(
    (key) => viewer.type(key),
    () => new Promise((done) => (viewer.onBytes = () => done())),
  );
  const rawEcho = await rawEchoMs();
  viewer.socket.close();
  await server.rest.finish('PUT', '/1.0/instances/b-term/state', { action: 'stop', force: true });
  await server.rest.finish('DELETE', '/1.0/instances/b-term');
  const mb = (rate: number) => `${(rate / 1e6).toFixed(0)} MB/s`;
  return [
    {
      name: 'terminal, 100 MB of output',
      value: median(rates) / median(raw),
      unit: 'x raw pty',
      target: 0.7,
      atLeast: true,
      detail: `${mb(median(rates))}, raw ${mb(median(raw))}`,
    },
    {
      name: 'terminal, key echo',
      value: echo - rawEcho,
      unit: 'ms more',
      target: 3,
      detail: `${echo.toFixed(2)} ms, raw ${rawEcho.toFixed(2)} ms`,
    },
  ];
}
