import { describe, expect, test } from 'vitest';
import { parseCgroupLayout } from '../../host/cgroup.ts';
import type { Limits } from '../driver.ts';
import { limitSettings, parseCpus, type LimitContext } from './limit-settings.ts';

const names = ['cpu', 'cpuset', 'memory', 'blkio', 'pids'];
const v1Mounts = names
  .map((name, index) => `${index} 1 0:${index} / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}\n`)
  .join('');
const layouts = {
  1: parseCgroupLayout(v1Mounts),
  2: parseCgroupLayout('31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'),
};
const context = (version: 1 | 2): LimitContext => ({
  layout: layouts[version],
  cpus: [0, 1, 2, 3],
  chosenCpus: [0, 3],
  deviceOf: (path) => (path === '/none' ? null : '8:0'),
});
const set = (version: 1 | 2, limits: Partial<Limits>) =>
  limitSettings({ disk: [], nic: [], ...limits }, context(version))
    .filter((setting) => !setting.reset)
    .map((setting) => `${setting.file} ${setting.value}`);

test('no limits: nothing is set, and everything is put back', () => {
  for (const version of [1, 2] as const) {
    expect(set(version, {})).toEqual([]);
    expect(limitSettings({ disk: [], nic: [] }, context(version)).every((setting) => setting.reset)).toBe(true);
  }
});

describe('CPU', () => {
  test('a count is where it was placed, a set is taken as it is where the host has it', () => {
    expect(set(1, { cpu: { count: 2 } })).toEqual(['cpuset.cpus 0,3']);
    expect(set(2, { cpu: { set: '1-2,7' } })).toEqual(['cpuset.cpus 1,2']);
    expect(() => set(1, { cpu: { set: '8-9' } })).toThrow(/None of the CPUs/);
    expect(() => parseCpus('0-')).toThrow(/not a set/);
  });
  test('a soft allowance is a share, a hard one a quota, priority lowers the share', () => {
    expect(set(1, { cpuAllowance: { percent: 50 } })).toEqual(['cpu.shares 512']);
    expect(set(2, { cpuAllowance: { percent: 50 }, cpuPriority: 5 })).toEqual(['cpu.weight 45']);
    expect(set(1, { cpuPriority: 0 })).toEqual(['cpu.shares 1014']);
    expect(set(2, { cpuPriority: 0, cpuAllowance: { percent: 1 } })).toEqual(['cpu.weight 1']);
    expect(set(1, { cpuAllowance: { quotaMs: 25, periodMs: 100 } })).toEqual([
      'cpu.cfs_period_us 100000',
      'cpu.cfs_quota_us 25000',
    ]);
    expect(set(2, { cpuAllowance: { quotaMs: 25, periodMs: 100 } })).toEqual(['cpu.max 25000 100000']);
  });
});

describe('memory', () => {
  test('hard and soft', () => {
    expect(set(1, { memoryBytes: 1000 })).toEqual(['memory.limit_in_bytes 1000', 'memory.memsw.limit_in_bytes 2000']);
    expect(set(2, { memoryBytes: 1000 })).toEqual(['memory.max 1000', 'memory.swap.max 1000']);
    expect(set(1, { memoryBytes: 1000, memoryEnforce: 'soft' })).toEqual(['memory.soft_limit_in_bytes 1000']);
    expect(set(2, { memoryBytes: 1000, memoryEnforce: 'soft' })).toEqual(['memory.high 1000']);
  });
  test('swap: none, or so much', () => {
    expect(set(1, { memoryBytes: 1000, memorySwap: false })).toEqual([
      'memory.limit_in_bytes 1000',
      'memory.memsw.limit_in_bytes 1000',
      'memory.swappiness 0',
    ]);
    expect(set(2, { memoryBytes: 1000, memorySwap: false })).toEqual(['memory.max 1000', 'memory.swap.max 0']);
    expect(set(2, { memorySwap: { bytes: 5 } })).toEqual(['memory.swap.max 5']);
  });
});

test('processes and disks', () => {
  expect(set(1, { processes: 7 })).toEqual(['pids.max 7']);
  const disk = [
    { target: '/', backing: '/a', readBps: 100, writeIops: 5 },
    { target: '/b', backing: '/b', readBps: 50 },
    { target: '/c', backing: '/none', readBps: 1 },
  ];
  expect(set(1, { disk })).toEqual(['blkio.throttle.read_bps_device 8:0 50', 'blkio.throttle.write_iops_device 8:0 5']);
  expect(set(2, { disk })).toEqual(['io.max 8:0 rbps=50 riops=max wbps=max wiops=5']);
});
