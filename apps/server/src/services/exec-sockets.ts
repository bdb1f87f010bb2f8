import { randomBytes } from 'node:crypto';
import { DomainError } from '@stapes/contract/errors';
import type { WebSocket } from 'ws';

const connectMs = 10_000;
const pingMs = 10_000;
/** More than this unsent to a reader stops reading from the command, until half of it is gone. */
const highWater = 1024 * 1024;

export type Fd = '0' | '1' | '2' | 'control';

/** The sockets of one exec or console: waits for them, keeps them alive, closes them. */
export class ExecSockets {
  readonly secrets: Record<string, string>;
  readonly #required: readonly Fd[];
  readonly #sockets = new Map<string, WebSocket>();
  readonly #arrivals = new Map<string, (socket: WebSocket) => void>();
  readonly #ping: NodeJS.Timeout;
  #complete: () => void = () => undefined;
  readonly #connected: Promise<void>;

  constructor(fds: readonly Fd[], required: readonly Fd[]) {
    this.secrets = Object.fromEntries(fds.map((fd) => [fd, randomBytes(32).toString('hex')]));
    this.#required = required;
    this.#connected = new Promise((resolve) => (this.#complete = resolve));
    this.#ping = setInterval(() => {
      for (const socket of this.#sockets.values()) if (socket.readyState === socket.OPEN) socket.ping();
    }, pingMs);
    this.#ping.unref();
  }

  connect(fd: string, socket: WebSocket): void {
    this.#sockets.set(fd, socket);
    socket.on('error', () => socket.terminate());
    // What a client sends before the command runs must not be lost.
    socket.pause();
    this.#arrivals.get(fd)?.(socket);
    if (this.#required.every((name) => this.#sockets.has(name))) this.#complete();
  }

  /** Calls back now or when that socket comes. */
  on(fd: Fd, listener: (socket: WebSocket) => void): void {
    const start = (socket: WebSocket) => {
      listener(socket);
      socket.resume();
    };
    const socket = this.#sockets.get(fd);
    if (socket) start(socket);
    else this.#arrivals.set(fd, start);
  }

  has(fd: Fd): boolean {
    return this.#sockets.has(fd);
  }

  async ready(signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new DomainError('timeout', 'The client did not connect its sockets within 10 seconds')),
        connectMs,
      );
      signal.addEventListener('abort', () => reject(new DomainError('cancelled', 'It was cancelled before it began')), {
        once: true,
      });
    });
    await Promise.race([this.#connected, late]).finally(() => clearTimeout(timer));
  }

  close(): void {
    clearInterval(this.#ping);
    for (const socket of this.#sockets.values()) {
      // A client that never read would keep a closing socket paused for ever.
      socket.resume();
      socket.close(1000);
    }
  }
}

/** Reads from `source` only as fast as the socket takes it. Resolves when everything and the end-of-stream frame are with the kernel, or nobody reads any more. */
export function pumpToSocket(source: Pausable, socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    let ended = false;
    socket.once('close', () => {
      source.resume(); // drained to nowhere, so that the command does not hang on a full pipe
      resolve();
    });
    source.onData((chunk) => {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(chunk, { binary: true }, () => {
        if (socket.bufferedAmount < highWater / 2 && !ended) source.resume();
      });
      if (socket.bufferedAmount > highWater) source.pause();
    });
    source.onEnd(() => {
      ended = true;
      if (socket.readyState !== socket.OPEN) return resolve();
      socket.send('', { binary: false }, () => resolve());
    });
  });
}

export interface Pausable {
  onData(listener: (chunk: Buffer) => void): void;
  onEnd(listener: () => void): void;
  pause(): void;
  resume(): void;
}

export function pausable(stream: NodeJS.ReadableStream): Pausable {
  return {
    onData: (listener) => void stream.on('data', listener),
    onEnd: (listener) => {
      let told = false;
      const once = () => {
        if (!told) listener();
        told = true;
      };
      stream.on('end', once);
      stream.on('close', once);
      stream.on('error', once);
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
  };
}

export interface Sink {
  /** False when it is full. */
  write(chunk: Buffer): boolean;
  onDrain(listener: () => void): void;
  end(): void;
}

/** Binary frames to the command; an empty text frame or the end of the socket is its end of file. */
export function pumpFromSocket(socket: WebSocket, sink: Sink): void {
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    sink.end();
  };
  sink.onDrain(() => socket.resume());
  socket.on('message', (data: Buffer, isBinary) => {
    if (ended) return;
    if (!isBinary && data.length === 0) return end();
    if (!sink.write(Buffer.isBuffer(data) ? data : Buffer.from(data as unknown as ArrayBuffer))) socket.pause();
  });
  socket.once('close', end);
}
