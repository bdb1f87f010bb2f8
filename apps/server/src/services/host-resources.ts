import { readdir, readFile } from 'node:fs/promises';
import { cpus, freemem, hostname, loadavg, release, totalmem, uptime } from 'node:os';
import { join } from 'node:path';
import { listHostInterfaces } from '@stapes/runtime/networks/host-interfaces';
import { hostArchitecture } from './instance-plan.ts';

/** `/1.0/resources`, from /proc and /sys. What cannot be read is left out; nothing is made up. */

async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}
const names = async (path: string): Promise<string[]> => readdir(path).catch(() => []);

/** Bytes by name of /proc/meminfo. */
export function parseMeminfo(content: string): Map<string, number> {
  return new Map(
    content.split('\n').flatMap((line) => {
      const match = /^([^:]+):\s+(\d+)(?: kB)?/.exec(line);
      return match?.[1] ? [[match[1], Number(match[2]) * (line.endsWith('kB') ? 1024 : 1)] as const] : [];
    }),
  );
}

async function cpuResources(): Promise<Record<string, unknown>> {
  const all = cpus();
  const directory = '/sys/devices/system/cpu';
  const threads = (await names(directory))
    .filter((name) => /^cpu\d+$/.test(name))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
  const sockets = new Map<number, Map<number, number[]>>();
  for (const thread of threads) {
    const id = Number(thread.slice(3));
    const socket = Number(await text(join(directory, thread, 'topology/physical_package_id'))) || 0;
    const core = Number(await text(join(directory, thread, 'topology/core_id'))) || 0;
    const cores = sockets.get(socket) ?? new Map<number, number[]>();
    cores.set(core, [...(cores.get(core) ?? []), id]);
    sockets.set(socket, cores);
  }
  return {
    architecture: hostArchitecture(),
    total: all.length,
    sockets: [...sockets].map(([socket, cores]) => ({
      socket,
      name: all[0]?.model ?? '',
      vendor: '',
      frequency: all[0]?.speed ?? 0,
      cores: [...cores].map(([core, ids]) => ({
        core,
        die: 0,
        numa_node: 0,
        frequency: all[0]?.speed ?? 0,
        threads: ids.map((id, thread) => ({ id, thread, numa_node: 0, online: true, isolated: false })),
      })),
    })),
  };
}

async function memoryResources(): Promise<Record<string, unknown>> {
  const info = parseMeminfo(await text('/proc/meminfo'));
  const total = info.get('MemTotal') ?? totalmem();
  return {
    nodes: [],
    total,
    used: total - (info.get('MemAvailable') ?? freemem()),
    hugepages_total: (info.get('HugePages_Total') ?? 0) * (info.get('Hugepagesize') ?? 0),
    hugepages_used: 0,
    hugepages_size: info.get('Hugepagesize') ?? 0,
  };
}

async function storageResources(): Promise<Record<string, unknown>> {
  const disks = [];
  for (const name of await names('/sys/block')) {
    if (/^(loop|ram|zram|dm-|md)/.test(name)) continue;
    const at = (path: string) => text(join('/sys/block', name, path));
    disks.push({
      id: name,
      device: await at('dev'),
      model: await at('device/model'),
      size: Number(await at('size')) * 512,
      read_only: (await at('ro')) === '1',
      removable: (await at('removable')) === '1',
      rpm: (await at('queue/rotational')) === '1' ? 1 : 0,
      numa_node: 0,
      type: '',
      partitions: [],
    });
  }
  return { disks, total: disks.length };
}

async function networkResources(): Promise<Record<string, unknown>> {
  const cards = [];
  for (const { name, type, state } of await listHostInterfaces()) {
    if (type !== 'physical') continue;
    const speed = Number(await text(`/sys/class/net/${name}/speed`));
    cards.push({
      driver: '',
      numa_node: 0,
      ports: [
        {
          id: name,
          address: state.hwaddr,
          port: 0,
          protocol: 'ethernet',
          auto_negotiation: false,
          link_detected: state.state === 'up',
          link_speed: speed > 0 ? speed : 0,
        },
      ],
    });
  }
  return { cards, total: cards.length };
}

export async function hostResources(): Promise<Record<string, unknown>> {
  const [cpu, memory, storage, network] = await Promise.all([
    cpuResources(),
    memoryResources(),
    storageResources(),
    networkResources(),
  ]);
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    cpu,
    memory,
    storage,
    network,
    gpu: { cards: [], total: 0 },
    usb: { devices: [], total: 0 },
    pci: { devices: [], total: 0 },
    load: {
      Average1Min: one,
      Average5Min: five,
      Average10Min: fifteen,
      Processes: (await names('/proc')).filter((name) => /^\d+$/.test(name)).length,
    },
    system: {
      uuid: '',
      vendor: await text('/sys/class/dmi/id/sys_vendor'),
      product: await text('/sys/class/dmi/id/product_name'),
      family: '',
      version: '',
      sku: '',
      serial: '',
      type: '',
      hostname: hostname(),
      kernel: release(),
      uptime: Math.floor(uptime()),
    },
  };
}
