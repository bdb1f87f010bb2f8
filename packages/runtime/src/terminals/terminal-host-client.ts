import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@stapes/contract/errors';
import { hostEnvironment, spawnProcess } from '../host/run.ts';
import { createFrameReader, encodeFrame, encodeJson, frameKinds } from './frames.ts';
import { hostReplySchema, type HostReply, type HostRequest } from './protocol.ts';
import { hostSocketPath } from './socket-path.ts';
import type { HostedTerminal, TerminalAttachment, TerminalHost } from './terminal-host.ts';

const startTimeoutMs = 15_000;
const retryMs = 20;
/** A host that was just ending has left its lock by then. */
const startAgainMs = 1_000;

export interface TerminalHostOptions {
  stateDir: string;
  /** Argv that starts the host's process. */
  hostEntry: readonly string[];
  /** More environment of that process (tests). */
  env?: Record<string, string>;
}

export function createTerminalHost(options: TerminalHostOptions): TerminalHost {
  const socketPath = hostSocketPath(options.stateDir);
  let starting: Promise<void> | null = null;

  async function start(): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    let nextStart = 0;
    while (Date.now() < deadline) {
      const socket = await tryConnect(socketPath);
      if (socket) return void socket.destroy();
      if (Date.now() >= nextStart) {
        startProcess(options);
        nextStart = Date.now() + startAgainMs;
      }
      await sleep(retryMs);
    }
    throw new DomainError('unavailable', 'The terminal host did not start', {
      details: { stderr: lastLines(join(options.stateDir, 'run', 'terminals.log')) },
    });
  }
  /** Null when there is no host and none is wanted. */
  async function open(mayStart: boolean): Promise<Socket | null> {
    const found = await tryConnect(socketPath);
    if (found || !mayStart) return found;
    starting ??= start().finally(() => {
      starting = null;
    });
    await starting;
    return tryConnect(socketPath);
  }
  /** A host that ends while it is asked has taken its sessions with it: the question is put again, to the next one or to none. */
  async function ask(request: HostRequest, mayStart: boolean): Promise<unknown> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const socket = await open(mayStart);
      const reply = socket && (await askOver(socket, request));
      if (reply) return valueOf(reply);
      if (!socket && !mayStart) return null;
    }
    throw new DomainError('unavailable', 'The terminal host ended while it was asked: try again');
  }
  return {
    create: async (session) => (await ask({ op: 'create', ...session }, true)) as HostedTerminal,
    list: async () => ((await ask({ op: 'list' }, false)) ?? []) as HostedTerminal[],
    async attach(id, size) {
      const socket = await open(false);
      if (!socket) throw new DomainError('not-found', `There is no terminal ${id} any more`);
      return attachTo(socket, { op: 'attach', id, ...size });
    },
    close: async (id) => void (await ask({ op: 'close', id }, false)),
    async shutdown() {
      await ask({ op: 'shutdown' }, false);
      for (let socket = await tryConnect(socketPath); socket; socket = await tryConnect(socketPath)) {
        socket.destroy();
        await sleep(retryMs);
      }
    },
  };
}

/** Null when the connection ends without an answer. */
async function askOver(socket: Socket, request: HostRequest): Promise<HostReply | null> {
  const reply = new Promise<HostReply | null>((resolve, reject) => {
    const read = createFrameReader({
      onBytes: ignore,
      onWhole: ignore,
      onJson: (value) => resolve(hostReplySchema.parse(value)),
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        read(chunk);
      } catch (error) {
        reject(error);
      }
    });
    socket.on('close', () => resolve(null));
    socket.write(encodeJson(request));
  });
  return reply.finally(() => socket.destroy());
}

const ignore = (): void => undefined;

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-20).join('\n');
  } catch {
    return '';
  }
}

function valueOf(reply: HostReply): unknown {
  if (!reply.ok) throw new DomainError(reply.code, reply.message);
  return reply.value;
}

function tryConnect(path: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') return resolve(null);
      reject(
        new DomainError('unavailable', `Cannot reach the terminal host at ${path}: ${error.message}`, { cause: error }),
      );
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      socket.on('error', ignore);
      resolve(socket);
    });
  });
}

/** A session and process group of its own, no pipe to us: it neither notices nor cares when we end. */
function startProcess({ stateDir, hostEntry, env }: TerminalHostOptions): void {
  const [file, ...args] = hostEntry;
  if (file === undefined) throw new DomainError('internal', 'There is no command that starts the terminal host');
  mkdirSync(join(stateDir, 'run'), { recursive: true, mode: 0o700 });
  const log = openSync(join(stateDir, 'run', 'terminals.log'), 'a', 0o600);
  try {
    const child = spawnProcess(file, [...args, stateDir], {
      cwd: '/',
      env: { ...hostEnvironment, ...env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', ignore); // told by the time-out
    child.unref();
  } finally {
    closeSync(log);
  }
}

function attachTo(socket: Socket, request: HostRequest): Promise<TerminalAttachment> {
  return new Promise((resolve, reject) => {
    let isAttached = false;
    const stream = new Duplex({
      objectMode: true,
      readableHighWaterMark: 64,
      writableHighWaterMark: 64,
      read: () => void socket.resume(),
      write: (frame: { kind: 'data'; bytes: Buffer } | { kind: 'control'; message: unknown }, _encoding, done) => {
        const bytes = frame.kind === 'data' ? encodeFrame(frameKinds.bytes, frame.bytes) : encodeJson(frame.message);
        if (socket.write(bytes)) done();
        else socket.once('drain', () => done());
      },
      final: (done) => void socket.end(done),
      destroy: (error, done) => {
        socket.destroy();
        done(error);
      },
    });
    const push = (frame: unknown) => {
      if (!stream.push(frame)) socket.pause();
    };
    const read = createFrameReader({
      onBytes: (bytes) => push({ kind: 'data', bytes }),
      onWhole: (bytes) => push({ kind: 'data', bytes }),
      onJson: (value) => {
        if (isAttached) return push({ kind: 'control', message: value });
        const reply = hostReplySchema.parse(value);
        if (!reply.ok) return reject(new DomainError(reply.code, reply.message));
        isAttached = true;
        resolve({ stream, close: () => void stream.destroy() });
      },
    });
    socket.setNoDelay(true);
    socket.on('data', read);
    socket.on('close', () => {
      if (!stream.destroyed) stream.push(null);
      reject(new DomainError('unavailable', 'The terminal host ended: open the terminal again'));
    });
    socket.write(encodeJson(request));
  });
}
