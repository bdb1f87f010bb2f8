import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { DomainError } from '@stapes/contract/errors';
import type { InstanceRef, StopOptions } from '../driver.ts';
import { cgroupExists, processesIn, readText, removeCgroup } from './lxc-cgroups.ts';
import { askMonitor, connectMonitor, lxcCommand } from './lxc-command.ts';
import type { KeyedLock } from '../../host/keyed-lock.ts';
import type { LxcObserver } from './lxc-observer.ts';
import type { LxcPaths } from './lxc-paths.ts';
import { unstageReadOnlyDisks } from './read-only-disks.ts';

const killLimitMs = 60_000;

export interface StopContext {
  paths: LxcPaths;
  observer: LxcObserver;
  /** Held while an instance starts, and while what it left behind is removed. */
  locks: KeyedLock;
  /** Host ends of its veths. */
  hostNames(ref: InstanceRef): Promise<string[]>;
}

export async function stopInstance(context: StopContext, ref: InstanceRef, options: StopOptions): Promise<void> {
  refuseAborted(options.signal);
  const monitor = await connectMonitor(context.paths.commandSocket(ref));
  if (monitor) {
    // The monitor never writes to a connection that asked nothing; its end is the monitor's end.
    const gone = new Promise<'gone'>((done) => monitor.on('close', () => done('gone')));
    monitor.resume();
    try {
      await endMonitor(context, ref, options, gone);
    } finally {
      release(monitor);
    }
  }
  await context.locks.run(ref.id, () => clearTraces(context, ref));
}

function release(monitor: Socket): void {
  monitor.destroy();
}

async function endMonitor(
  context: StopContext,
  ref: InstanceRef,
  options: StopOptions,
  gone: Promise<'gone'>,
): Promise<void> {
  if (options.graceMs > 0) {
    const init = await context.observer.findInit(ref);
    if (init) {
      signalInit(init.pid, haltSignal(readText(`/proc/${init.pid}/status`) ?? ''));
      if (init.cgroups.frozen) init.cgroups.freeze(false);
    }
    if ((await within(gone, options.graceMs, options.signal)) === 'gone') return;
    if (!options.force)
      throw new DomainError(
        'timeout',
        `The instance did not shut down within ${Math.round(options.graceMs / 1000)} s; it still runs. Stop it with force, or give it more time`,
      );
  }
  const deadline = Date.now() + killLimitMs;
  while (Date.now() < deadline) {
    // LXC's monitor kills by pidfd, so that it can never hit another process. It answers only when that failed.
    const init = await context.observer.findInit(ref);
    void askMonitor(context.paths.commandSocket(ref), lxcCommand.stop, 1000);
    if (init?.cgroups.frozen) await thawSoon(init.cgroups);
    if ((await within(gone, 2000, options.signal)) === 'gone') return;
  }
  throw new DomainError('timeout', `The instance could not be killed within ${killLimitMs / 1000} s; see its log`);
}

/** The kill is on its way through the monitor; a thawed process that meets it does not run on. */
async function thawSoon(cgroups: { freeze(frozen: boolean): void }): Promise<void> {
  await new Promise((done) => setTimeout(done, 5));
  cgroups.freeze(false);
}

function signalInit(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * What init understands as "shut down", read from its signal masks: systemd blocks (and reads) SIGRTMIN+3; sysvinit and OpenRC catch
 * SIGPWR; busybox catches SIGUSR2. Anything else that catches SIGTERM is a plain program.
 */
export function haltSignal(status: string): number {
  const mask = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
  const has = (bits: bigint, signal: number) => (bits & (1n << BigInt(signal - 1))) !== 0n;
  const [blocked, caught] = [mask('SigBlk'), mask('SigCgt')];
  const [sigusr2, sigterm, sigpwr, sigrtmin3] = [12, 15, 30, 37];
  if (has(blocked, sigrtmin3) || has(caught, sigrtmin3)) return sigrtmin3;
  if (has(caught, sigpwr) || has(blocked, sigpwr)) return sigpwr;
  if (has(caught, sigusr2) || has(blocked, sigusr2)) return sigusr2;
  return has(caught, sigterm) ? sigterm : sigpwr;
}

function cancelled(): DomainError {
  return new DomainError('cancelled', 'Stopping the instance was cancelled; it may still run');
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}

async function within<T>(promise: Promise<T>, timeoutMs: number, signal?: AbortSignal): Promise<T | null> {
  refuseAborted(signal);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const limit = new Promise<null>((done, fail) => {
    timer = setTimeout(() => done(null), timeoutMs);
    onAbort = () => fail(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/** Waits for what LXC removes, and removes what a killed monitor has left: orphaned processes, cgroups. */
export async function clearTraces(context: StopContext, ref: InstanceRef): Promise<void> {
  const { paths } = context;
  const names = await context.hostNames(ref);
  const deadline = Date.now() + 30_000;
  for (let waitMs = 2; ; waitMs = Math.min(50, waitMs * 2)) {
    // Somebody has started it again: all that is there is theirs.
    const again = await connectMonitor(paths.commandSocket(ref));
    again?.destroy();
    if (again) return;
    for (const cgroup of [paths.cgroup(ref), paths.monitorCgroup(ref)]) {
      if (!cgroupExists(cgroup)) continue;
      for (const pid of processesIn(paths.cgroup(ref))) signalInit(pid, 9);
      removeCgroup(cgroup);
    }
    const left = [paths.cgroup(ref), paths.monitorCgroup(ref)].filter(cgroupExists);
    const veths = names.filter((name) => existsSync(`/sys/class/net/${name}`));
    if (left.length + veths.length === 0) return unstageReadOnlyDisks(paths.readOnlyDisks(ref));
    if (Date.now() > deadline)
      throw new DomainError(
        'internal',
        `The instance has stopped, but ${[...left, ...veths].join(', ')} could not be removed`,
      );
    await new Promise((done) => setTimeout(done, waitMs));
  }
}
