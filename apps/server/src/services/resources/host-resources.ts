import { hostname, loadavg, release, uptime } from 'node:os';
import { cpuResources } from './cpu-resources.ts';
import { networkResources, storageResources, systemResources } from './device-resources.ts';
import { memoryResources } from './memory-resources.ts';
import { createSysfs } from './sysfs.ts';

/** `/1.0/resources`, from /proc and /sys. What cannot be read is left out; nothing is made up. */
export async function hostResources(root = '/'): Promise<Record<string, unknown>> {
  const sys = createSysfs(root);
  const [cpu, memory, storage, network, system] = await Promise.all([
    cpuResources(sys),
    memoryResources(sys),
    storageResources(sys),
    networkResources(sys),
    systemResources(sys),
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
      Processes: (await sys.names('/proc')).filter((name) => /^\d+$/.test(name)).length,
    },
    system: { ...system, hostname: hostname(), kernel: release(), uptime: Math.floor(uptime()) },
  };
}
