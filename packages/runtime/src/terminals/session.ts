import { spawn, type IPty } from '@lydell/node-pty';
import { DomainError, messageOf } from '@stapes/contract/errors';
import type { TerminalServerMessage } from '@stapes/contract/terminal';
import { keepUntilRead } from '../host/pty.ts';
import type { HostCommand } from '../instances/driver.ts';
import { Screen } from './screen.ts';
import type { HostedTerminal } from './terminal-host.ts';
import type { Viewer } from './viewer.ts';

const batchBytes = 64 * 1024;
const batchMs = 2;
const killAfterMs = 2_000;
const checkPausedMs = 40;

export interface SessionOptions {
  id: string;
  command: HostCommand;
  cols: number;
  rows: number;
  meta: Record<string, string>;
}

/** One pty, its screen, and whoever watches. */
export class Session {
  readonly id: string;
  readonly #pty: IPty;
  readonly #screen: Screen;
  readonly #meta: Record<string, string>;
  readonly #createdAtMs = Date.now();
  readonly #viewers = new Set<Viewer>();
  #title = '';
  #exitCode: number | null = null;
  #batch: Buffer[] = [];
  #batchLength = 0;
  #lastFlushMs = 0;
  #flushTimer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  #pausedTimer: NodeJS.Timeout | null = null;

  constructor({ id, command, cols, rows, meta }: SessionOptions) {
    this.id = id;
    this.#meta = meta;
    this.#screen = new Screen(
      { cols, rows },
      {
        onTitle: (title) => this.#onTitle(title),
        onReply: (data) => {
          if (this.#viewers.size === 0) this.write(Buffer.from(data));
        },
        onFlow: () => this.#steer(),
      },
    );
    this.#pty = startPty(command, { cols, rows });
    this.#pty.onData((data) => this.#onData(data as string | Buffer));
    this.#pty.onExit(({ exitCode, signal }) => this.#onExit(signal ? 128 + signal : exitCode));
  }

  describe(): HostedTerminal {
    return {
      id: this.id,
      ...this.#screen.size,
      title: this.#title,
      clients: this.#viewers.size,
      createdAtMs: this.#createdAtMs,
      status: this.#exitCode === null ? 'running' : 'exited',
      exitCode: this.#exitCode,
      meta: this.#meta,
    };
  }

  /** Goes to the pty at once, whatever waits on the way out. */
  write(bytes: Buffer): void {
    // The types know text only; the socket beneath takes bytes, and those are what a viewer types.
    if (this.#exitCode === null) this.#pty.write(bytes as unknown as string);
  }

  resize(size: { cols: number; rows: number }, by: Viewer | null): void {
    const { cols, rows } = this.#screen.size;
    if (size.cols === cols && size.rows === rows) return;
    this.#screen.resize(size);
    if (this.#exitCode === null) this.#pty.resize(size.cols, size.rows);
    for (const viewer of this.#viewers) if (viewer !== by) viewer.send({ type: 'size', ...size });
  }

  /** The screen first, then each byte after it, once. */
  attach(viewer: Viewer, size: { cols: number; rows: number }, isAlive: () => boolean): void {
    this.resize(size, null);
    this.#screen.whenDrawn(() => {
      if (!isAlive()) return;
      this.#flush(); // what waits in the batch is on the screen already, and belongs to the others
      viewer.sendScreen(this.#screen.size, this.#screen.serialize());
      if (this.#title !== '') viewer.send({ type: 'title', title: this.#title });
      if (this.#exitCode !== null) viewer.send({ type: 'exit', code: this.#exitCode });
      this.#viewers.add(viewer);
      this.#steer();
    });
  }
  detach(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    this.#steer();
  }
  acknowledge(viewer: Viewer, bytes: number): void {
    viewer.acknowledge(bytes);
    this.#steer();
  }
  dropStuck(): void {
    for (const viewer of this.#viewers) {
      if (!viewer.isStuck) continue;
      this.detach(viewer);
      viewer.drop();
    }
  }

  /** Hangs up, as a closed window does; who ignores that is killed. */
  close(): void {
    for (const viewer of this.#viewers) viewer.drop();
    this.#viewers.clear();
    if (this.#exitCode === null) {
      this.#pty.resume();
      this.#pty.kill('SIGHUP');
      setTimeout(() => {
        if (this.#exitCode === null) this.#pty.kill('SIGKILL');
      }, killAfterMs).unref();
    }
    this.#stopWatching();
    this.#screen.dispose();
  }

  #onData(data: string | Buffer): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#screen.feed(bytes);
    if (this.#viewers.size === 0) return this.#steer();
    this.#batch.push(bytes);
    this.#batchLength += bytes.length;
    if (this.#batchLength >= batchBytes) return this.#flush();
    if (this.#flushTimer !== null) return;
    const flush = () => this.#flush();
    // A key's echo leaves at once; of a flood, some chunks are gathered.
    const isQuiet = performance.now() - this.#lastFlushMs > batchMs;
    this.#flushTimer = isQuiet ? setImmediate(flush) : setTimeout(flush, batchMs);
  }

  #flush(): void {
    if (this.#flushTimer !== null) {
      clearTimeout(this.#flushTimer as NodeJS.Timeout);
      clearImmediate(this.#flushTimer as NodeJS.Immediate);
      this.#flushTimer = null;
    }
    if (this.#batchLength === 0) return;
    for (const viewer of this.#viewers) viewer.sendBytes(this.#batch, this.#batchLength);
    this.#batch = [];
    this.#batchLength = 0;
    this.#lastFlushMs = performance.now();
    this.#steer();
  }

  /** Reads the pty only while the slowest viewer and the screen keep up. */
  #steer(): void {
    const mustWait =
      this.#exitCode === null && (this.#screen.isBehind || [...this.#viewers].some((viewer) => viewer.isFull));
    if (mustWait === (this.#pausedTimer !== null)) return;
    if (!mustWait) {
      this.#stopWatching();
      return this.#pty.resume();
    }
    this.#pty.pause();
    // The library closes the pty 200 ms after its process has ended; what it has still to say must have been read by then.
    this.#pausedTimer = setInterval(() => {
      if (isRunning(this.#pty.pid)) return;
      clearInterval(this.#pausedTimer ?? undefined);
      this.#pty.resume();
    }, checkPausedMs);
  }
  #stopWatching(): void {
    clearInterval(this.#pausedTimer ?? undefined);
    this.#pausedTimer = null;
  }

  #onTitle(title: string): void {
    this.#title = title.slice(0, 256);
    this.#tell({ type: 'title', title: this.#title });
  }
  #onExit(code: number): void {
    this.#flush();
    this.#exitCode = code;
    this.#stopWatching();
    this.#tell({ type: 'exit', code });
  }
  #tell(message: TerminalServerMessage): void {
    for (const viewer of this.#viewers) viewer.send(message);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function startPty(command: HostCommand, size: { cols: number; rows: number }): IPty {
  try {
    const pty = spawn(command.file, command.args, {
      ...size,
      name: command.env['TERM'] ?? 'xterm-256color',
      cwd: '/',
      env: command.env,
      encoding: null,
    });
    keepUntilRead(pty);
    return pty;
  } catch (cause) {
    throw new DomainError('internal', `Cannot start ${command.file} in a terminal: ${messageOf(cause)}`, { cause });
  }
}
