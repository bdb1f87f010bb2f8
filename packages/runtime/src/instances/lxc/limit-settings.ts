import { DomainError } from '@stapes/contract/errors';
import type { CgroupLayout } from '../../host/cgroup.ts';
import type { Limits } from '../driver.ts';

/** One write into a cgroup file. */
export interface CgroupSetting {
  controller: string;
  version: 1 | 2;
  file: string;
  value: string;
  /** What the file holds anyway in a fresh cgroup: needed only to take an earlier limit back. */
  reset?: true;
  /** The kernel may lack this file; then there is nothing to limit. */
  optional?: true;
}

export interface LimitContext {
  layout: CgroupLayout;
  /** CPUs that may be used, ascending. */
  cpus: readonly number[];
  /** Which ones an instance with a number of CPUs gets. */
  chosenCpus: readonly number[];
  /** Block device `major:minor` behind a host path; null when there is none to throttle. */
  deviceOf(backing: string): string | null;
}

/** All that the limits mean in this host's cgroup layout, absent limits included (as resets), in the order in which they can be written. */
export function limitSettings(limits: Limits, context: LimitContext): CgroupSetting[] {
  const version = (controller: string): 1 | 2 => (context.layout.v1.has(controller) ? 1 : 2);
  return [
    ...cpusetSettings(limits, context, version('cpuset')),
    ...cpuSettings(limits, version('cpu')),
    ...(version('memory') === 1 ? memoryV1(limits) : memoryV2(limits)),
    setting('pids', version('pids'), 'pids.max', String(limits.processes ?? 'max'), limits.processes === undefined),
    ...(version('blkio') === 1 ? throttleV1(limits, context) : throttleV2(limits, context)),
  ];
}

// eslint-disable-next-line max-params -- one row of a table
function setting(
  controller: string,
  version: 1 | 2,
  file: string,
  value: string,
  reset: boolean,
  optional = false,
): CgroupSetting {
  return {
    controller,
    version,
    file,
    value,
    ...(reset ? { reset: true } : {}),
    ...(optional ? { optional: true } : {}),
  };
}

function cpusetSettings(limits: Limits, context: LimitContext, version: 1 | 2): CgroupSetting[] {
  const cpu = limits.cpu;
  if (cpu === undefined) return [setting('cpuset', version, 'cpuset.cpus', formatCpus(context.cpus), true, true)];
  const chosen = 'set' in cpu ? parseCpus(cpu.set) : context.chosenCpus;
  const usable = chosen.filter((id) => context.cpus.includes(id));
  if (usable.length === 0)
    throw new DomainError(
      'invalid',
      `None of the CPUs of limits.cpu is available on this host (it has ${formatCpus(context.cpus)})`,
      { details: { field: 'config.limits.cpu' } },
    );
  return [cpusetSetting(usable, version)];
}

export function cpusetSetting(cpus: readonly number[], version: 1 | 2): CgroupSetting {
  return setting('cpuset', version, 'cpuset.cpus', formatCpus(cpus), false, true);
}

/** `0-3,5` to numbers. */
export function parseCpus(text: string): number[] {
  const found = new Set<number>();
  for (const part of text.trim().split(',').filter(Boolean)) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (!match)
      throw new DomainError('invalid', `"${text}" is not a set of CPUs (example: 0-3,5)`, {
        details: { field: 'config.limits.cpu' },
      });
    for (let cpu = Number(match[1]); cpu <= Number(match[2] ?? match[1]); cpu++) found.add(cpu);
  }
  return [...found].sort((a, b) => a - b);
}

export function formatCpus(cpus: readonly number[]): string {
  return cpus.join(',');
}

function cpuSettings(limits: Limits, version: 1 | 2): CgroupSetting[] {
  const allowance = limits.cpuAllowance;
  const soft = allowance && 'percent' in allowance ? allowance.percent : 100;
  const hard = allowance && 'quotaMs' in allowance ? allowance : null;
  const lowered = 10 - (limits.cpuPriority ?? 10);
  const reset = soft === 100 && lowered === 0;
  if (version === 2) {
    const weight = Math.min(10_000, Math.max(1, soft - lowered));
    const max = hard ? `${Math.round(hard.quotaMs * 1000)} ${Math.round(hard.periodMs * 1000)}` : 'max 100000';
    return [setting('cpu', 2, 'cpu.weight', String(weight), reset), setting('cpu', 2, 'cpu.max', max, !hard)];
  }
  const shares = Math.min(262_144, Math.max(2, Math.round((1024 * soft) / 100) - lowered));
  return [
    setting('cpu', 1, 'cpu.shares', String(shares), reset),
    // The old quota must go before the period may shrink.
    setting('cpu', 1, 'cpu.cfs_quota_us', '-1', true),
    setting('cpu', 1, 'cpu.cfs_period_us', String(hard ? Math.round(hard.periodMs * 1000) : 100_000), !hard),
    ...(hard ? [setting('cpu', 1, 'cpu.cfs_quota_us', String(Math.round(hard.quotaMs * 1000)), false)] : []),
  ];
}

/** Swap that may be used on top of memory; null is no limit. Without a memory limit only a stated size bounds it. */
function swapBytes(limits: Limits): number | null {
  if (limits.memorySwap === false) return 0;
  if (typeof limits.memorySwap === 'object') return limits.memorySwap.bytes;
  return limits.memoryBytes !== undefined && limits.memoryEnforce !== 'soft' ? limits.memoryBytes : null;
}

function memoryV1(limits: Limits): CgroupSetting[] {
  const hard = limits.memoryEnforce === 'soft' ? undefined : limits.memoryBytes;
  const soft = limits.memoryEnforce === 'soft' ? limits.memoryBytes : undefined;
  const swap = swapBytes(limits);
  return [
    // memory+swap may never be below memory: lift it, set memory, set it again.
    setting('memory', 1, 'memory.memsw.limit_in_bytes', '-1', true, true),
    setting('memory', 1, 'memory.limit_in_bytes', String(hard ?? -1), hard === undefined),
    ...(hard !== undefined && swap !== null
      ? [setting('memory', 1, 'memory.memsw.limit_in_bytes', String(hard + swap), false, true)]
      : []),
    setting('memory', 1, 'memory.soft_limit_in_bytes', String(soft ?? -1), soft === undefined, true),
    setting(
      'memory',
      1,
      'memory.swappiness',
      limits.memorySwap === false ? '0' : '60',
      limits.memorySwap !== false,
      true,
    ),
  ];
}

function memoryV2(limits: Limits): CgroupSetting[] {
  const hard = limits.memoryEnforce === 'soft' ? undefined : limits.memoryBytes;
  const soft = limits.memoryEnforce === 'soft' ? limits.memoryBytes : undefined;
  const swap = swapBytes(limits);
  return [
    setting('memory', 2, 'memory.max', String(hard ?? 'max'), hard === undefined),
    setting('memory', 2, 'memory.high', String(soft ?? 'max'), soft === undefined),
    setting('memory', 2, 'memory.swap.max', String(swap ?? 'max'), swap === null, true),
  ];
}

type DiskLimit = Limits['disk'][number];

/** The tightest of each kind a device: two disks of an instance may share one. */
function byDevice(limits: Limits, context: LimitContext): Map<string, Partial<DiskLimit>> {
  const found = new Map<string, Partial<DiskLimit>>();
  for (const disk of limits.disk) {
    const device = context.deviceOf(disk.backing);
    if (device === null) continue;
    const known = found.get(device) ?? {};
    for (const kind of ['readBps', 'readIops', 'writeBps', 'writeIops'] as const) {
      const value = disk[kind];
      if (value !== undefined) known[kind] = Math.min(value, known[kind] ?? value);
    }
    found.set(device, known);
  }
  return found;
}

const throttleFiles = {
  readBps: 'read_bps_device',
  readIops: 'read_iops_device',
  writeBps: 'write_bps_device',
  writeIops: 'write_iops_device',
} as const;

function throttleV1(limits: Limits, context: LimitContext): CgroupSetting[] {
  return [...byDevice(limits, context)].flatMap(([device, disk]) =>
    (Object.keys(throttleFiles) as (keyof typeof throttleFiles)[]).map((kind) =>
      setting(
        'blkio',
        1,
        `blkio.throttle.${throttleFiles[kind]}`,
        `${device} ${disk[kind] ?? 0}`,
        disk[kind] === undefined,
      ),
    ),
  );
}

function throttleV2(limits: Limits, context: LimitContext): CgroupSetting[] {
  return [...byDevice(limits, context)].map(([device, disk]) => {
    const part = (name: string, value: number | undefined) => `${name}=${value ?? 'max'}`;
    const value = [
      device,
      part('rbps', disk.readBps),
      part('riops', disk.readIops),
      part('wbps', disk.writeBps),
      part('wiops', disk.writeIops),
    ].join(' ');
    const empty = [disk.readBps, disk.readIops, disk.writeBps, disk.writeIops].every((limit) => limit === undefined);
    return setting('io', 2, 'io.max', value, empty, true);
  });
}
