import type { InterfaceState } from '@stapes/contract/instance';
import { mapBounded } from '../../host/bounded.ts';
import { NamespaceReader } from '../../host/netlink.ts';
import type { InstanceRef, InstanceUsage } from '../driver.ts';
import type { InstanceCgroups } from './lxc-cgroups.ts';
import type { LxcObserver } from './lxc-observer.ts';

/** So many readings, then others have their turn. */
const batchSize = 16;

/** Readings straight from cgroup files and the kernel's own tables of each network namespace. */
export class LxcUsage {
  private readonly observer: LxcObserver;

  constructor(observer: LxcObserver) {
    this.observer = observer;
  }

  async read(refs: InstanceRef[]): Promise<Map<string, InstanceUsage>> {
    const found = new Map<string, InstanceUsage>();
    const inits = await mapBounded(refs, 32, async (ref) => ({ ref, init: await this.observer.findInit(ref) }));
    const reader = new NamespaceReader();
    try {
      const hostNames = reader.ownNames();
      let read = 0;
      for (const { ref, init } of inits) {
        if (!init) continue;
        if (++read % batchSize === 0) await new Promise((done) => setImmediate(done));
        const network = networkOf(reader, init.pid, hostNames);
        const usage = network && cgroupUsage(init.cgroups, network);
        if (usage) found.set(ref.id, usage);
      }
    } finally {
      reader.close();
    }
    return found;
  }
}

function networkOf(
  reader: NamespaceReader,
  pid: number,
  hostNames: Map<number, string>,
): Record<string, InterfaceState> | null {
  const links = reader.interfaces(pid);
  if (!links) return null;
  // Names come from the guest: a null prototype keeps `__proto__` an ordinary name.
  const network = Object.create(null) as Record<string, InterfaceState>;
  for (const { index: _index, name, peerIndex, ...state } of links)
    network[name] = { ...state, host_name: state.type === 'loopback' ? '' : (hostNames.get(peerIndex) ?? '') };
  return network;
}

/** v1 and v2 say the same things in different files. Unlimited is 0. */
export function cgroupUsage(
  cgroups: Pick<InstanceCgroups, 'read'>,
  network: Record<string, InterfaceState>,
): InstanceUsage | null {
  const processes = cgroups.read('pids', 'pids.current');
  if (processes === null) return null;
  const number = (controller: string, file: string) => amount(cgroups.read(controller, file));
  const base = { processes: amount(processes), network };
  const v1 = cgroups.read('memory', 'memory.usage_in_bytes');
  if (v1 !== null) {
    const [memory, peak, both, bothPeak] = [
      amount(v1),
      number('memory', 'memory.max_usage_in_bytes'),
      number('memory', 'memory.memsw.usage_in_bytes'),
      number('memory', 'memory.memsw.max_usage_in_bytes'),
    ];
    const swap = { swapBytes: Math.max(0, both - memory), swapPeakBytes: Math.max(0, bothPeak - peak) };
    return {
      ...base,
      ...swap,
      cpuNs: cpuNs(cgroups),
      memoryBytes: memory,
      memoryPeakBytes: peak,
      memoryTotalBytes: number('memory', 'memory.limit_in_bytes'),
    };
  }
  return {
    ...base,
    cpuNs: cpuNs(cgroups),
    memoryBytes: number('memory', 'memory.current'),
    memoryPeakBytes: number('memory', 'memory.peak'),
    memoryTotalBytes: number('memory', 'memory.max'),
    swapBytes: number('memory', 'memory.swap.current'),
    swapPeakBytes: number('memory', 'memory.swap.peak'),
  };
}

function cpuNs(cgroups: Pick<InstanceCgroups, 'read'>): number {
  const v1 = cgroups.read('cpuacct', 'cpuacct.usage');
  if (v1 !== null) return amount(v1);
  return Number(/^usage_usec (\d+)$/m.exec(cgroups.read('cpu', 'cpu.stat') ?? '')?.[1] ?? 0) * 1000;
}

/** `max`, and v1's page-rounded 2^63, mean no limit. */
function amount(text: string | null): number {
  const value = Number(text?.trim() || 0);
  return Number.isFinite(value) && value < 2 ** 62 ? value : 0;
}
