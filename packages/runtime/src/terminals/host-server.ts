import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { DomainError, isDomainError, messageOf } from '@stapes/contract/errors';
import { createFrameReader, encodeJson } from './frames.ts';
import { hostRequestSchema, viewerMessageSchema, type HostReply, type HostRequest } from './protocol.ts';
import { Session } from './session.ts';
import { Viewer } from './viewer.ts';

const mostSessions = 512;
const checkMs = 1_000;

export interface HostServerOptions {
  socketPath: string;
  /** Called when the host has nothing to do any more; the process ends then. */
  onIdle: () => void;
  /** Without a session and a connection for so long. */
  idleAfterMs: number;
}

/** Owns the sessions of one state directory. */
export class HostServer {
  readonly #options: HostServerOptions;
  readonly #server: Server;
  readonly #sessions = new Map<string, Session>();
  readonly #connections = new Set<Socket>();
  #busyAtMs = Date.now();

  constructor(options: HostServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Only one host holds the directory (its lock is taken), so a socket that is there is a dead one's. */
  async listen(): Promise<void> {
    const { socketPath } = this.#options;
    mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
    rmSync(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      const before = process.umask(0o177);
      try {
        this.#server.listen(socketPath, resolve);
      } finally {
        process.umask(before);
      }
    });
    chmodSync(socketPath, 0o600);
    setInterval(() => this.#check(), checkMs);
  }

  end(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#server.close();
    rmSync(this.#options.socketPath, { force: true });
    this.#options.onIdle();
  }

  #check(): void {
    for (const session of this.#sessions.values()) session.dropStuck();
    if (this.#sessions.size > 0 || this.#connections.size > 0) this.#busyAtMs = Date.now();
    if (Date.now() - this.#busyAtMs > this.#options.idleAfterMs) this.end();
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    let take: ConnectionState = {
      onBytes: () => socket.destroy(),
      onJson: (value) => (take = this.#first(socket, value)),
    };
    const read = createFrameReader({
      onBytes: (bytes) => take.onBytes(bytes),
      onWhole: () => socket.destroy(),
      onJson: (value) => take.onJson(value),
    });
    socket.on('data', (chunk) => {
      try {
        read(chunk);
      } catch {
        socket.destroy();
      }
    });
  }

  #first(socket: Socket, value: unknown): ConnectionState {
    const done: ConnectionState = { onBytes: () => socket.destroy(), onJson: () => socket.destroy() };
    const answer = (reply: HostReply) => socket.write(encodeJson(reply));
    try {
      const request = hostRequestSchema.parse(value);
      if (request.op === 'attach') return this.#attach(socket, request, answer);
      answer({ ok: true, value: this.#handle(request) });
      socket.end();
      if (request.op === 'shutdown') socket.on('close', () => this.end());
    } catch (error) {
      answer({ ok: false, code: isDomainError(error) ? error.code : 'internal', message: messageOf(error) });
      socket.end();
    }
    return done;
  }

  #handle(request: Exclude<HostRequest, { op: 'attach' }>): unknown {
    switch (request.op) {
      case 'list':
        return [...this.#sessions.values()].map((session) => session.describe());
      case 'create': {
        const { op: _, ...options } = request;
        if (this.#sessions.has(request.id))
          throw new DomainError('exists', `There is a terminal ${request.id} already`);
        if (this.#sessions.size >= mostSessions) {
          throw new DomainError('too-large', `There are ${mostSessions} terminals: close some first`);
        }
        const session = new Session(options);
        this.#sessions.set(session.id, session);
        return session.describe();
      }
      case 'close':
        this.#sessions.get(request.id)?.close();
        this.#sessions.delete(request.id);
        return null;
      case 'shutdown':
        return null;
    }
  }

  #attach(
    socket: Socket,
    request: Extract<HostRequest, { op: 'attach' }>,
    answer: (reply: HostReply) => void,
  ): ConnectionState {
    const session = this.#sessions.get(request.id);
    if (!session) throw new DomainError('not-found', `There is no terminal ${request.id} any more`);
    const viewer = new Viewer(socket, () => performance.now());
    socket.setNoDelay(true);
    socket.on('close', () => session.detach(viewer));
    answer({ ok: true, value: session.describe() });
    session.attach(viewer, request, () => !socket.destroyed);
    return {
      onBytes: (bytes) => session.write(bytes),
      onJson: (value) => {
        const message = viewerMessageSchema.parse(value);
        if (message.type === 'resize') session.resize({ cols: message.cols, rows: message.rows }, viewer);
        if (message.type === 'ack') session.acknowledge(viewer, message.bytes);
        if (message.type === 'ping') viewer.send({ type: 'pong' });
      },
    };
  }
}

interface ConnectionState {
  onBytes(bytes: Buffer): void;
  onJson(value: unknown): void;
}
