import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where each controller is mounted: its own v1 hierarchy, or the unified one. */
export interface CgroupLayout {
  kind: 'v1' | 'hybrid' | 'v2';
  /** v1 controllers by name (`memory`, `cpu`, `name=systemd`), with their mount points. */
  v1: Map<string, string>;
  /** Mount point of the unified hierarchy, if any. */
  v2: string | null;
}

const controllers = new Set([
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'devices',
  'freezer',
  'blkio',
  'pids',
  'net_cls',
  'net_prio',
  'hugetlb',
  'perf_event',
  'rdma',
  'misc',
]);

/** Reads `/proc/self/mountinfo`. Hybrid: resources on v1, an additional unified tree. */
export function parseCgroupLayout(mountinfo: string): CgroupLayout {
  const v1 = new Map<string, string>();
  let v2: string | null = null;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    if (!before || !after) continue;
    const point = before.split(' ')[4];
    const [type, , options] = after.split(' ');
    if (!point?.startsWith('/sys/fs/cgroup')) continue;
    if (type === 'cgroup2') v2 ??= point;
    if (type !== 'cgroup') continue;
    for (const option of (options ?? '').split(','))
      if ((controllers.has(option) || option.startsWith('name=')) && !v1.has(option)) v1.set(option, point);
  }
  const split = [...v1.keys()].some((name) => !name.startsWith('name='));
  return { kind: split ? (v2 ? 'hybrid' : 'v1') : 'v2', v1, v2 };
}

export function readCgroupLayout(): CgroupLayout {
  return parseCgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Controller to cgroup path, from `/proc/PID/cgroup`; the unified one is ''. */
export function parseProcessCgroups(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    for (const controller of match ? match[1]!.split(',') : []) found.set(controller, match![2]!);
  }
  return found;
}

/** Directory of a controller for a process's cgroups: its v1 hierarchy when it has one, else the unified tree. Null when neither is there. */
export function controllerDirectory(
  layout: CgroupLayout,
  cgroups: Map<string, string>,
  controller: string,
): string | null {
  const v1 = layout.v1.get(controller);
  if (v1 !== undefined) return join(v1, cgroups.get(controller) ?? '/');
  return layout.v2 === null ? null : join(layout.v2, cgroups.get('') ?? '/');
}
