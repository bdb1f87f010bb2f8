import { constants, fstatSync, openSync } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Socket } from 'node:net';
import { run } from '../../host/run.ts';
import type { InstanceEvent, InstanceObservation, InstanceRef } from '../driver.ts';
import { connectMonitor, lxcStates } from './lxc-command.ts';
import type { LxcObserver } from './lxc-observer.ts';
import type { LxcPaths } from './lxc-paths.ts';

/** `struct lxc_msg { int type; char name[256]; int value; }`; writes of this size to a FIFO are atomic. */
const messageBytes = 264;
const stateMessage = 0;
/** The kernel tells start times in hundredths of a second. */
const clockTickMs = 10;

export function parseMessages(data: Buffer): { messages: { id: string; state: string }[]; rest: Buffer } {
  const messages: { id: string; state: string }[] = [];
  let at = 0;
  for (; at + messageBytes <= data.length; at += messageBytes) {
    const state = lxcStates[data.readInt32LE(at + 260)];
    const name = data.subarray(at + 4, at + 260);
    const end = name.indexOf(0);
    if (data.readInt32LE(at) === stateMessage && state)
      messages.push({ id: name.subarray(0, end < 0 ? 256 : end).toString(), state });
  }
  return { messages, rest: data.subarray(at) };
}

/**
 * Follows all instances of a state directory with two things that LXC offers, and without a process of our own that could die:
 * LXC's monitors write each state change into one FIFO when somebody reads it; and a connection to a monitor ends with the monitor,
 * so that even one that was killed is noticed at once. A slow look at everything mends whatever both have missed.
 */
export class LxcWatcher {
  private readonly paths: LxcPaths;
  private readonly observer: LxcObserver;
  private readonly listener: (event: InstanceEvent) => void;
  private readonly reported = new Map<string, InstanceObservation>();
  private readonly held = new Map<string, Socket>();
  private readonly looking = new Map<string, { again: boolean }>();
  private ended = false;

  constructor(paths: LxcPaths, observer: LxcObserver, listener: (event: InstanceEvent) => void) {
    this.paths = paths;
    this.observer = observer;
    this.listener = listener;
  }

  async follow(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = new Promise<'aborted'>((done) =>
      signal.addEventListener('abort', () => done('aborted'), { once: true }),
    );
    try {
      await this.remember();
      while (!signal.aborted) {
        const fifo = await this.openFifo();
        const broken = new Promise<'broken'>((done) => fifo.on('close', () => done('broken')));
        try {
          await this.lookAtAll();
          await this.untilBroken(aborted, broken);
        } finally {
          fifo.destroy();
        }
      }
    } finally {
      this.ended = true;
      for (const socket of this.held.values()) socket.destroy();
    }
  }

  /** Looks at everything now and then, and returns when the FIFO is no longer the one that LXC finds, or on abort. */
  private async untilBroken(aborted: Promise<'aborted'>, broken: Promise<'broken'>): Promise<void> {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const tick = new Promise<'tick'>((done) => (timer = setTimeout(() => done('tick'), 5000)));
      const why = await Promise.race([aborted, broken, tick]);
      clearTimeout(timer);
      if (why !== 'tick') return;
      if (!(await this.fifoIsOurs())) return;
      await this.lookAtAll();
    }
  }

  private fifoInode = 0;
  private async fifoIsOurs(): Promise<boolean> {
    return (await stat(this.paths.monitorFifo).catch(() => null))?.ino === this.fifoInode;
  }

  private async openFifo(): Promise<Socket> {
    const path = this.paths.monitorFifo;
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    const known = await stat(path).catch(() => null);
    if (known && !known.isFIFO()) await rm(path);
    if (!known?.isFIFO()) await run('mkfifo', ['-m', '600', '--', path], { okCodes: [0, 1] });
    // Opened for writing too: it never ends when the last monitor closes its end.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.fifoInode = fstatSync(fd).ino;
    const socket = new Socket({ fd, readable: true, writable: false });
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      const parsed = parseMessages(Buffer.concat([rest, chunk]));
      rest = Buffer.from(parsed.rest);
      for (const { id, state } of parsed.messages) this.heard(id, state);
    });
    return socket;
  }

  private heard(id: string, state: string): void {
    if (!/^[a-z0-9]{8,26}$/.test(id)) return;
    // Passing states are worth telling, but cannot be asked for: a monitor that sets up or takes down answers nobody.
    if (state === 'STARTING' && !this.reported.has(id)) this.report(id, { status: 'Starting', pid: 0, startedAtMs: 0 });
    else if (state === 'STOPPING' || state === 'ABORTING')
      this.report(id, { status: 'Stopping', pid: 0, startedAtMs: 0 });
    else void this.look({ id });
  }

  /** What ran when we were called is no news; what has started since is. */
  private async remember(): Promise<void> {
    const calledAtMs = Date.now();
    for (const [id, seen] of await this.observer.inspectAll())
      if (seen.pid > 0 && seen.startedAtMs < calledAtMs - clockTickMs) this.reported.set(id, seen);
  }

  private async lookAtAll(): Promise<void> {
    const found = await this.observer.inspectAll();
    for (const [id, seen] of found) {
      this.hold({ id });
      this.report(id, seen);
    }
    for (const id of [...this.reported.keys()]) if (!found.has(id)) await this.look({ id });
  }

  /** One look at a time an instance; what comes meanwhile makes it look once more. */
  private async look(ref: InstanceRef): Promise<void> {
    const running = this.looking.get(ref.id);
    if (running) {
      running.again = true;
      return;
    }
    const mine = { again: true };
    this.looking.set(ref.id, mine);
    try {
      while (mine.again && !this.ended) {
        mine.again = false;
        const seen = await this.observer.inspect(ref);
        if (seen.status !== 'Stopped') this.hold(ref);
        this.report(ref.id, seen);
      }
    } finally {
      this.looking.delete(ref.id);
    }
  }

  private hold(ref: InstanceRef): void {
    if (this.held.has(ref.id) || this.ended) return;
    void connectMonitor(this.paths.commandSocket(ref)).then((socket) => {
      if (!socket) return;
      if (this.held.has(ref.id) || this.ended) {
        socket.destroy();
        return;
      }
      this.held.set(ref.id, socket);
      socket.resume();
      socket.on('close', () => {
        this.held.delete(ref.id);
        // Its init dies with it, but a moment later: ask anew, so that it is not taken for running until then.
        this.observer.forget(ref);
        if (!this.ended) void this.look(ref);
      });
    });
  }

  private report(id: string, seen: InstanceObservation): void {
    if (this.ended) return;
    const before = this.reported.get(id);
    const sameLife = before?.pid === seen.pid || seen.pid === 0 || before?.pid === 0;
    if (seen.status === 'Stopped') this.reported.delete(id);
    else this.reported.set(id, seen);
    if ((before?.status ?? 'Stopped') === seen.status && sameLife) return;
    this.listener({ id, status: seen.status });
  }
}

/** Tells watchers of a change that LXC itself does not see (a freeze through the cgroup). Nobody listening is fine. */
export async function announce(paths: LxcPaths, ref: InstanceRef, state: (typeof lxcStates)[number]): Promise<void> {
  const message = Buffer.alloc(messageBytes);
  message.write(ref.id, 4, 'utf8');
  message.writeInt32LE(lxcStates.indexOf(state), 260);
  const fifo = await open(paths.monitorFifo, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => null);
  if (!fifo) return;
  await fifo.write(message).catch(() => undefined);
  await fifo.close();
}
