import { expect, test } from 'vitest';
import { controllerDirectory, parseCgroupLayout, parseProcessCgroups } from './cgroup.ts';

const split = `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
`;
const unified = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';

test('v1, hybrid and v2 are told apart by what is mounted', () => {
  const v1 = parseCgroupLayout(split);
  expect(v1.kind).toBe('v1');
  expect([...v1.v1.keys()]).toEqual(['cpu', 'cpuacct', 'memory', 'name=systemd']);
  expect(parseCgroupLayout(split + '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n')).toMatchObject({
    kind: 'hybrid',
    v2: '/sys/fs/cgroup/unified',
  });
  expect(parseCgroupLayout(unified)).toMatchObject({ kind: 'v2', v2: '/sys/fs/cgroup' });
  // systemd's hybrid mode: only its own tree is v1, the controllers are unified
  expect(
    parseCgroupLayout(
      '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
    ).kind,
  ).toBe('v2');
});

test('the directory of a controller is found in either', () => {
  const cgroups = parseProcessCgroups('5:cpu,cpuacct:/a\n4:memory:/m/b\n1:name=systemd:/s\n0::/u/c:d\n');
  expect(controllerDirectory(parseCgroupLayout(split), cgroups, 'cpuacct')).toBe('/sys/fs/cgroup/cpu,cpuacct/a');
  expect(controllerDirectory(parseCgroupLayout(split), cgroups, 'memory')).toBe('/sys/fs/cgroup/memory/m/b');
  expect(controllerDirectory(parseCgroupLayout(split), cgroups, 'pids')).toBeNull();
  expect(controllerDirectory(parseCgroupLayout(unified), cgroups, 'pids')).toBe('/sys/fs/cgroup/u/c:d');
});
