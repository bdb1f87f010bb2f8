import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceRef, Limits } from '../driver.ts';
import { readText } from './lxc-cgroups.ts';
import { limitSettings, parseCpus, type CgroupSetting, type LimitContext } from './limit-settings.ts';
import { applyNicLimits } from './nic-limits.ts';
import type { LxcObserver } from './lxc-observer.ts';

/** `chosenCpus` is where one with a number of CPUs shall be. */
export function hostLimitSettings(
  observer: LxcObserver,
  limits: Limits,
  chosenCpus: readonly number[] | null,
): CgroupSetting[] {
  return limitSettings(limits, limitContext(observer, chosenCpus ?? [])).filter(
    (setting) => !setting.optional || setting.reset || fileExists(observer, setting),
  );
}

function limitContext(observer: LxcObserver, chosenCpus: readonly number[]): LimitContext {
  return {
    layout: observer.layout,
    cpus: usableCpus(observer),
    chosenCpus,
    deviceOf: blockDeviceOf,
  };
}

export function usableCpus(observer: LxcObserver): number[] {
  const mount = observer.layout.v1.get('cpuset');
  const text =
    (mount === undefined ? null : readText(join(mount, 'cpuset.cpus'))) ??
    readFileSync('/sys/devices/system/cpu/online', 'utf8');
  return parseCpus(text);
}

/** Optional files (memory+swap accounting) are the same in every cgroup, so the root tells; v2's root lacks them, but there LXC's start tells. */
function fileExists(observer: LxcObserver, setting: CgroupSetting): boolean {
  if (setting.version === 2) return true;
  const mount = observer.layout.v1.get(setting.controller);
  return mount !== undefined && readText(join(mount, setting.file)) !== null;
}

/** The whole disk behind a path: throttles work on disks, not on partitions. Null for file systems without one (tmpfs, network). */
export function blockDeviceOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return null;
  const device = found.dev;
  const major = ((device >> 8) & 0xfff) + 0;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  const id = major === 0 ? anonymousDevice(path) : `${major}:${minor}`;
  if (id === null) return null;
  const parent = readText(`/sys/dev/block/${id}/partition`) === null ? null : readText(`/sys/dev/block/${id}/../dev`);
  return parent?.trim() ?? id;
}

/** btrfs gives each subvolume a device number of its own: the mount's source names the real one. */
function anonymousDevice(path: string): string | null {
  let best: { point: string; source: string } | null = null;
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4]?.replaceAll('\\040', ' ');
    const source = after?.split(' ')[1];
    if (!point || !source?.startsWith('/dev/')) continue;
    const covers = path === point || path.startsWith(point === '/' ? '/' : `${point}/`);
    if (covers && (!best || point.length >= best.point.length)) best = { point, source };
  }
  const found = best && statSync(best.source, { throwIfNoEntry: false });
  return found?.isBlockDevice()
    ? `${(found.rdev >> 8) & 0xfff}:${(found.rdev & 0xff) | ((found.rdev >> 12) & 0xfff00)}`
    : null;
}

export async function applyLimits(
  observer: LxcObserver,
  ref: InstanceRef,
  limits: Limits,
  chosenCpus: readonly number[] | null,
): Promise<void> {
  const init = await observer.findInit(ref);
  if (!init) return;
  const settings = hostLimitSettings(observer, limits, chosenCpus);
  for (const reset of staleThrottles(init.cgroups, settings)) init.cgroups.write(reset);
  for (const setting of settings) init.cgroups.write(setting);
  await applyNicLimits(limits.nic);
}

/** Throttles of devices that no disk names any more. */
function staleThrottles(
  cgroups: { read(controller: string, file: string): string | null },
  settings: CgroupSetting[],
): CgroupSetting[] {
  const files = ['read_bps_device', 'read_iops_device', 'write_bps_device', 'write_iops_device'].map((name) => ({
    controller: 'blkio',
    version: 1 as const,
    file: `blkio.throttle.${name}`,
  }));
  const wanted = new Set(settings.map((setting) => `${setting.file} ${setting.value.split(' ')[0]}`));
  const stale = ({ controller, file }: { controller: string; file: string }) =>
    (cgroups.read(controller, file) ?? '').split('\n').flatMap((line) => {
      const device = line.split(' ')[0];
      return device && !wanted.has(`${file} ${device}`) ? [device] : [];
    });
  return [
    ...files.flatMap((file) =>
      stale(file).map((device): CgroupSetting => ({ ...file, value: `${device} 0`, reset: true, optional: true })),
    ),
    ...stale({ controller: 'io', file: 'io.max' }).map((device): CgroupSetting => ({
      controller: 'io',
      version: 2,
      file: 'io.max',
      value: `${device} rbps=max riops=max wbps=max wiops=max`,
      reset: true,
      optional: true,
    })),
  ];
}
