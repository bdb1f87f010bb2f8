import type { TerminalClientMessage, TerminalServerMessage } from '@stapes/contract/terminal';

export type ConnectionState = 'connecting' | 'open' | 'reconnecting' | 'exited' | 'closed' | 'gone';

export interface ConnectionEvents {
  /** The whole screen with scrollback follows as the next bytes: reset before drawing them. */
  onScreen(size: { cols: number; rows: number }): void;
  /** Call `drawn` when the bytes are on the screen: the server reads on from there. */
  onBytes(bytes: Uint8Array, drawn: () => void): void;
  onState(state: ConnectionState): void;
  onExit(code: number): void;
  onTitle(title: string): void;
  onSize(size: { cols: number; rows: number }): void;
}

const firstDelayMs = 250;
const longestDelayMs = 5_000;
/** Acknowledge in steps, so that a flood does not become a flood of answers. */
const ackStepBytes = 64 * 1024;
/** Close codes of the server that mean "do not come back". */
const goneCodes = new Set([4404, 4401, 4403]);

/** One viewer of a terminal session. Comes back by itself after a lost connection; the screen is then sent anew, so nothing is lost. */
export class TerminalConnection {
  #socket: WebSocket | null = null;
  #closed = false;
  #exited = false;
  #delayMs = firstDelayMs;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #drawnBytes = 0;
  #size = { cols: 80, rows: 24 };
  readonly #url: string;
  readonly #events: ConnectionEvents;

  constructor(id: string, events: ConnectionEvents) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.#url = `${scheme}://${location.host}/ws/terminals/${encodeURIComponent(id)}`;
    this.#events = events;
    addEventListener('online', this.#retryNow);
    document.addEventListener('visibilitychange', this.#retryNow);
  }

  connect(size: { cols: number; rows: number }): void {
    this.#size = size;
    this.#open();
  }

  send(bytes: Uint8Array): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
  }

  resize(size: { cols: number; rows: number }): void {
    this.#size = size;
    this.#control({ type: 'resize', ...size });
  }

  close(): void {
    this.#closed = true;
    removeEventListener('online', this.#retryNow);
    document.removeEventListener('visibilitychange', this.#retryNow);
    if (this.#timer) clearTimeout(this.#timer);
    this.#socket?.close();
    this.#events.onState('closed');
  }

  readonly #retryNow = (): void => {
    if (this.#timer === null || document.hidden) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#open();
  };

  #open(): void {
    if (this.#closed) return;
    this.#drawnBytes = 0;
    const socket = new WebSocket(`${this.#url}?cols=${this.#size.cols}&rows=${this.#size.rows}`);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (typeof event.data === 'string') this.#receive(JSON.parse(event.data) as TerminalServerMessage);
      else this.#draw(new Uint8Array(event.data), socket);
    };
    socket.onopen = () => {
      this.#delayMs = firstDelayMs;
      this.#events.onState('open');
    };
    socket.onclose = (event) => this.#lost(event.code);
  }

  #lost(code: number): void {
    if (this.#closed) return;
    if (goneCodes.has(code)) return this.#events.onState('gone');
    if (this.#exited) return this.#events.onState('exited');
    this.#events.onState('reconnecting');
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#open();
    }, this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs);
  }

  #receive(message: TerminalServerMessage): void {
    switch (message.type) {
      case 'screen':
        this.#events.onScreen(message);
        break;
      case 'exit':
        this.#exited = true;
        this.#events.onExit(message.code);
        this.#events.onState('exited');
        break;
      case 'title':
        this.#events.onTitle(message.title);
        break;
      case 'size':
        this.#events.onSize(message);
        break;
      case 'pong':
        break;
    }
  }

  #draw(bytes: Uint8Array, socket: WebSocket): void {
    this.#events.onBytes(bytes, () => {
      if (socket !== this.#socket) return;
      this.#drawnBytes += bytes.length;
      if (this.#drawnBytes < ackStepBytes) return;
      this.#control({ type: 'ack', bytes: this.#drawnBytes });
      this.#drawnBytes = 0;
    });
  }

  #control(message: TerminalClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
