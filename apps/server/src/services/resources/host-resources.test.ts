import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostResources } from './host-resources.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stapes-resources-'));
});
afterEach(() => rm(root, { recursive: true }));

async function lay(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), `${content}\n`);
  }
}
const cpu = '/sys/devices/system/cpu';

test('sockets, cores and threads are put together, with their caches', async () => {
  await lay({
    '/proc/cpuinfo':
      'processor\t: 0\nvendor_id\t: Maker\nmodel name\t: Fast One\ncpu MHz\t\t: 2400.4\n\nprocessor\t: 1\ncpu MHz\t: 3000\n',
    [`${cpu}/isolated`]: '1,3-4',
    [`${cpu}/cpu0/cache/index0/level`]: '1',
    [`${cpu}/cpu0/cache/index0/type`]: 'Data',
    [`${cpu}/cpu0/cache/index0/size`]: '32K',
    [`${cpu}/cpu0/cpufreq/cpuinfo_max_freq`]: '4200000',
  });
  for (const [id, socket, core] of [
    [0, 0, 0],
    [1, 0, 0],
    [2, 0, 1],
    [10, 1, 0],
  ]) {
    await lay({ [`${cpu}/cpu${id}/topology/physical_package_id`]: String(socket) });
    await lay({ [`${cpu}/cpu${id}/topology/core_id`]: String(core) });
  }
  await lay({ [`${cpu}/cpu10/online`]: '0' });
  await mkdir(join(root, cpu, 'cpu10/node1'));
  const found = (await hostResources(root))['cpu'];
  expect(found).toMatchObject({
    total: 4,
    sockets: [
      {
        ...{ socket: 0, name: 'Fast One', vendor: 'Maker', frequency: 3000, frequency_turbo: 4200 },
        cache: [{ level: 1, type: 'Data', size: 32768 }],
        cores: [
          {
            core: 0,
            threads: [
              { id: 0, thread: 0, isolated: false },
              { id: 1, thread: 1, isolated: true },
            ],
          },
          { core: 1, threads: [{ id: 2, online: true }] },
        ],
      },
      { socket: 1, cores: [{ core: 0, threads: [{ id: 10, online: false, numa_node: 1 }] }] },
    ],
  });
  expect((found as { sockets: object[] }).sockets[1]).not.toHaveProperty('name');
});

test('memory by node, disks with partitions, the system; what is not there is left out', async () => {
  await lay({
    '/proc/meminfo':
      'MemTotal: 1000 kB\nMemAvailable: 400 kB\nHugePages_Total: 2\nHugePages_Free: 1\nHugepagesize: 2048 kB',
    '/sys/devices/system/node/node0/meminfo': 'Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 300 kB',
    '/sys/block/sda/dev': '8:0',
    '/sys/block/sda/size': '2048',
    '/sys/block/sda/queue/rotational': '1',
    '/sys/block/sda/device/model': 'Turning Disk',
    '/sys/block/sda/sda1/partition': '1',
    '/sys/block/sda/sda1/size': '1024',
    '/sys/block/sda/sda1/dev': '8:1',
    '/sys/block/loop0/size': '8',
    '/sys/class/dmi/id/sys_vendor': 'Maker',
    '/sys/class/dmi/id/bios_version': '7',
  });
  await symlink('/nowhere', join(root, 'sys/block/sda/link'));
  const { memory, storage, system } = await hostResources(root);
  expect(memory).toEqual({
    nodes: [{ numa_node: 0, total: 1_024_000, used: 716_800, hugepages_total: 0, hugepages_used: 0 }],
    ...{ total: 1_024_000, used: 614_400, hugepages_size: 2_097_152 },
    ...{ hugepages_total: 4_194_304, hugepages_used: 2_097_152 },
  });
  expect(storage).toEqual({
    total: 1,
    disks: [
      {
        ...{ id: 'sda', device: '8:0', type: 'scsi', model: 'Turning Disk', size: 1_048_576, rpm: 1, numa_node: 0 },
        ...{ read_only: false, removable: false },
        partitions: [{ id: 'sda1', device: '8:1', partition: 1, read_only: false, size: 524_288 }],
      },
    ],
  });
  expect(system).toMatchObject({ vendor: 'Maker', firmware: { version: '7' }, chassis: {}, motherboard: {} });
  expect(system).not.toHaveProperty('serial');
});

test('this host has what the kernel says', async () => {
  const found = (await hostResources()) as Record<string, { total: number }>;
  expect(found['cpu']?.total).toBeGreaterThanOrEqual(cpus().length);
  expect(found['memory']?.total).toBe(totalmem());
});
