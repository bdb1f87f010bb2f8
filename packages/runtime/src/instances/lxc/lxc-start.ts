import { open, stat, writeFile, rename } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import { run } from '../../host/run.ts';
import type { InstanceRef, MachineSpec } from '../driver.ts';
import { cgroupExists } from './lxc-cgroups.ts';
import { lxcConfig, type HostAbilities } from './lxc-config.ts';
import { serializeConf } from './lxc-conf.ts';
import type { CgroupSetting } from './limit-settings.ts';
import type { LxcObserver } from './lxc-observer.ts';
import type { LxcPaths } from './lxc-paths.ts';
import { resolveMounts } from './mount-targets.ts';
import { stageReadOnlyDisks, unstageReadOnlyDisks } from './read-only-disks.ts';

const startTimeoutMs = 60_000;

export interface StartContext {
  paths: LxcPaths;
  observer: LxcObserver;
  readSpec(ref: InstanceRef): Promise<MachineSpec>;
  abilities(spec: MachineSpec): Promise<HostAbilities>;
  /** At a start, one with a number of CPUs is given its place. */
  limitSettings(spec: MachineSpec, isStart: boolean): CgroupSetting[];
  /** Rewrites the owners where idmapped mounts do not work. */
  shiftRootfs(spec: MachineSpec, abilities: HostAbilities): Promise<void>;
  clearTraces(ref: InstanceRef): Promise<void>;
  /** LXC gets all that was plugged in, as part of its configuration. */
  forgetPlugged(ref: InstanceRef): Promise<void>;
}

export async function startInstance(context: StartContext, ref: InstanceRef): Promise<void> {
  if (await alreadyRuns(context, ref)) return;
  const spec = await context.readSpec(ref);
  const { paths } = context;
  if (cgroupExists(paths.cgroup(ref))) await context.clearTraces(ref);
  const abilities = await context.abilities(spec);
  await context.shiftRootfs(spec, abilities);
  unstageReadOnlyDisks(paths.readOnlyDisks(ref));
  await writeConfig(context, spec, abilities, true);
  await context.forgetPlugged(ref);
  const logStart = await sizeOf(paths.log(ref));
  try {
    await run('lxc-start', ['-P', paths.lxcPath, '-n', ref.id, '-d'], { timeoutMs: startTimeoutMs });
  } catch (cause) {
    // Somebody else may have won the race for its socket.
    if ((await context.observer.inspect(ref)).status === 'Running') return;
    unstageReadOnlyDisks(paths.readOnlyDisks(ref));
    throw await startFailure(paths, ref, logStart, cause);
  }
}

/** Waits for a life that is just ending or beginning. */
async function alreadyRuns(context: StartContext, ref: InstanceRef): Promise<boolean> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const { status } = await context.observer.inspect(ref);
    if (status === 'Running' || status === 'Frozen') return true;
    if (status === 'Stopped') return false;
    if (Date.now() > deadline)
      throw new DomainError('busy', `The instance is still ${status.toLowerCase()}; try again later`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** Mount targets depend on what lies in the root file system now, so the configuration is written anew for each start. */
export async function writeConfig(
  context: Pick<StartContext, 'paths' | 'limitSettings'>,
  spec: MachineSpec,
  abilities: HostAbilities,
  isStart = false,
): Promise<void> {
  const { paths } = context;
  const { ref } = spec;
  const places = {
    logFile: paths.log(ref),
    consoleLog: paths.consoleLog(ref),
    cgroup: paths.cgroup(ref),
    monitorCgroup: paths.monitorCgroup(ref),
  };
  const mounts = resolveMounts(spec, abilities.idmappedRootfs);
  const resolved = {
    mounts: spec.idmap === null ? mounts : stageReadOnlyDisks(paths.readOnlyDisks(ref), mounts),
    limits: context.limitSettings(spec, isStart),
  };
  await replaceFile(paths.config(ref), serializeConf(lxcConfig(spec, places, abilities, resolved)));
}

export async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

async function startFailure(paths: LxcPaths, ref: InstanceRef, from: number, cause: unknown): Promise<DomainError> {
  const log = (await readTail(paths.log(ref), from, 65_536)).toString();
  // "lxc-start NAME 20260101000000.000 ERROR    start - file.c:function:12 - what happened"
  const lines = log
    .split('\n')
    .flatMap((line) => (/ (?:ERROR|WARN) /.test(line) ? [line.replace(/^lxc-start \S+ \S+ /, '').trim()] : []));
  const errors = lines.filter((line) => line.startsWith('ERROR'));
  const told = (errors.length > 0 ? errors : lines).slice(0, 3).map((line) => line.replace(/^\w+\s+\S+ - \S+ - /, ''));
  const text = told.length > 0 ? told.join('; ') : cause instanceof Error ? cause.message : 'no reason was logged';
  return new DomainError(/no space left/i.test(text) ? 'no-space' : 'internal', `The instance did not start: ${text}`, {
    cause,
    details: { log: lines.slice(-20).join('\n') },
  });
}

export async function readTail(path: string, from: number, maxBytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => null);
  if (!file) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const start = Math.max(size < from ? 0 : from, size - maxBytes);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
