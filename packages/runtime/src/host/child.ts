import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import {
  findProgram,
  outputPair,
  posixSpawn,
  reap,
  socketPair,
  type ChildDescriptor,
  type ChildEnd,
} from './posix-spawn.ts';

/** The part of Node's ChildProcess that is used here; the events are `exit`, `close` and `error`. */
export type HostChild = Pick<ChildProcess, 'pid' | 'stdin' | 'stdout' | 'stderr' | 'kill' | 'unref'> & EventEmitter;

export interface ChildOptions {
  env: Record<string, string>;
  /**
   * `pipe` is a pipe for an output, so that a command may open /dev/stdout. `socket` is for commands that are not trusted: whoever splices into a
   * pipe holds its lock, and then even a read that must not block does, and our event loop with it.
   */
  stdio: readonly ('pipe' | 'socket' | 'ignore' | number)[];
  cwd?: string;
  detached?: boolean;
  uid?: number;
  gid?: number;
}

const missedMs = 500;
const signalNames = new Map<number, NodeJS.Signals>(
  Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** Children are the process's, so there is one of these a process. SIGCHLD tells of ends; a slow timer catches what it may miss. */
class Reaper {
  readonly #children = new Map<number, { isAwaited: boolean; onEnd: (end: ChildEnd) => void }>();
  #timer: NodeJS.Timeout | null = null;
  #listens = false;
  readonly #look = () => {
    for (const [pid, { onEnd }] of this.#children) {
      const end = reap(pid);
      if (!end) continue;
      this.#children.delete(pid);
      onEnd(end);
    }
    this.#settle();
  };

  /** To be called before a child starts: one that ends at once is heard, too. */
  listen(): void {
    if (!this.#listens) process.on('SIGCHLD', this.#look);
    this.#listens = true;
  }
  add(pid: number, onEnd: (end: ChildEnd) => void): void {
    this.#children.set(pid, { isAwaited: true, onEnd });
    this.#timer ??= setInterval(this.#look, missedMs);
    this.#settle();
  }
  has(pid: number): boolean {
    return this.#children.has(pid);
  }
  unref(pid: number): void {
    const child = this.#children.get(pid);
    if (child) child.isAwaited = false;
    this.#settle();
  }

  #settle(): void {
    if (!this.#timer) return;
    if (this.#children.size === 0) {
      clearInterval(this.#timer);
      this.#timer = null;
    } else if ([...this.#children.values()].some(({ isAwaited }) => isAwaited)) this.#timer.ref();
    else this.#timer.unref();
  }
}

const reaper = new Reaper();

class SpawnedChild extends EventEmitter {
  readonly pid: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  #open = 0;
  #end: { code: number | null; signal: NodeJS.Signals | null } | null = null;

  constructor(file: string, args: readonly string[], options: ChildOptions) {
    super();
    const pairs = options.stdio.map((kind, index) => {
      if (kind === 'socket' || (kind === 'pipe' && index === 0)) return socketPair();
      return kind === 'pipe' ? outputPair() : null;
    });
    const descriptor = (index: number): ChildDescriptor => {
      const kind = options.stdio[index];
      const pair = pairs[index];
      if (pair) return { fd: pair.theirs };
      return typeof kind === 'number' ? { fd: kind } : 'null';
    };
    let failure: unknown = null;
    reaper.listen();
    try {
      this.pid = posixSpawn({
        file: programOf(file, options),
        argv: [file, ...args].map(withoutNul),
        environment: Object.entries(options.env).map(([name, value]) => withoutNul(`${name}=${value}`)),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        newSession: options.detached ?? false,
        stdio: [descriptor(0), descriptor(1), descriptor(2)],
      });
    } catch (error) {
      failure = error;
    }
    for (const pair of pairs) if (pair) closeSync(pair.theirs);
    const [input, output, errors] = pairs.map((pair) => pair?.ours);
    this.stdin = input === undefined ? null : new Socket({ fd: input, readable: false, writable: true });
    this.stdout = this.#readable(output);
    this.stderr = this.#readable(errors);
    if (this.pid === undefined) this.#fail(failure);
    else reaper.add(this.pid, (end) => this.#ended(end));
  }

  #readable(fd: number | undefined): Readable | null {
    if (fd === undefined) return null;
    const stream = new Socket({ fd, readable: true, writable: false });
    this.#open++;
    stream.once('close', () => {
      this.#open--;
      this.#closeWhenDone();
    });
    return stream;
  }

  #fail(error: unknown): void {
    this.stdin?.destroy();
    process.nextTick(() => {
      this.emit('error', error);
      this.#end = { code: -1, signal: null };
      this.#closeWhenDone();
      this.#drain();
    });
  }

  #ended({ code, signal }: ChildEnd): void {
    this.#end = { code, signal: signal === null ? null : (signalNames.get(signal) ?? 'SIGKILL') };
    this.stdin?.destroy();
    this.emit('exit', this.#end.code, this.#end.signal);
    this.#closeWhenDone();
    process.nextTick(() => this.#drain());
  }

  /** What nobody reads must not keep it from closing. */
  #drain(): void {
    for (const stream of [this.stdout, this.stderr])
      if (stream && stream.readableFlowing === null && stream.listenerCount('readable') === 0) stream.resume();
  }

  #closeWhenDone(): void {
    if (this.#end && this.#open === 0) {
      this.#open = -1; // once only
      this.emit('close', this.#end.code, this.#end.signal);
    }
  }

  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    // Not reaped yet, so the pid is still this child's.
    if (this.pid === undefined || !reaper.has(this.pid)) return false;
    try {
      return process.kill(this.pid, signal);
    } catch {
      return false;
    }
  }

  unref(): void {
    if (this.pid !== undefined) reaper.unref(this.pid);
    for (const stream of [this.stdin, this.stdout, this.stderr]) if (stream instanceof Socket) stream.unref();
  }
}

function programOf(file: string, options: ChildOptions): string {
  const found = findProgram(file, options.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin');
  if (found === null) throw Object.assign(new Error(`spawn ${file} ENOENT`), { code: 'ENOENT' });
  return found;
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new TypeError('An argument or variable of a command holds a NUL character');
  return text;
}

/** Starts a process without copying this one's page tables; other users and threads other than the main one go Node's way. */
export function startChild(file: string, args: readonly string[], options: ChildOptions): HostChild {
  const isPlain = options.uid === undefined && options.gid === undefined;
  const numbersAreHigh = options.stdio.every((kind) => typeof kind !== 'number' || kind > 2);
  if (isMainThread && isPlain && numbersAreHigh && options.stdio.length === 3)
    return new SpawnedChild(file, args, options) as HostChild;
  const stdio = options.stdio.map((kind) => (kind === 'socket' ? 'pipe' : kind));
  return spawn(file, args, { ...options, stdio } as SpawnOptions);
}
