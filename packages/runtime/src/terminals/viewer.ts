import type { Socket } from 'node:net';
import { terminalWindowBytes, type TerminalServerMessage } from '@stapes/contract/terminal';
import { encodeFrame, encodeJson, frameHeader, frameKinds } from './frames.ts';

/** Whoever acknowledges nothing for so long while bytes wait is stuck (a frozen phone); it may attach anew. */
export const stuckAfterMs = 10_000;

/** One connection that watches a session. */
export class Viewer {
  readonly #socket: Socket;
  readonly #now: () => number;
  #sentBytes = 0;
  #ackedBytes = 0;
  #progressAtMs: number;

  constructor(socket: Socket, now: () => number) {
    this.#socket = socket;
    this.#now = now;
    this.#progressAtMs = now();
  }

  get isFull(): boolean {
    return this.#sentBytes - this.#ackedBytes > terminalWindowBytes;
  }
  get isStuck(): boolean {
    return this.isFull && this.#now() - this.#progressAtMs > stuckAfterMs;
  }

  sendScreen(size: { cols: number; rows: number }, bytes: Buffer): void {
    this.send({ type: 'screen', ...size, bytes: bytes.length });
    this.#count(bytes.length);
    this.#socket.write(encodeFrame(frameKinds.whole, bytes));
  }
  sendBytes(chunks: readonly Buffer[], length: number): void {
    this.#count(length);
    this.#socket.cork();
    this.#socket.write(frameHeader(frameKinds.bytes, length));
    for (const chunk of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
  }
  send(message: TerminalServerMessage): void {
    this.#socket.write(encodeJson(message));
  }
  /** More than was sent cannot have been drawn. */
  acknowledge(bytes: number): void {
    this.#ackedBytes = Math.min(this.#sentBytes, this.#ackedBytes + Math.max(0, bytes));
    this.#progressAtMs = this.#now();
  }
  drop(): void {
    this.#socket.destroy();
  }

  #count(bytes: number): void {
    if (!this.isFull) this.#progressAtMs = this.#now();
    this.#sentBytes += bytes;
  }
}
