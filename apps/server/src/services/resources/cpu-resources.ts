import { hostArchitecture } from '../instance-plan.ts';
import { known, parseCpuList, type Sysfs } from './sysfs.ts';

const directory = '/sys/devices/system/cpu';

interface Thread {
  id: number;
  socket: number;
  core: number;
  die: number;
  node: number;
  frequencyMhz: number | undefined;
  online: boolean;
  isolated: boolean;
}

async function readThreads(sys: Sysfs, procMhz: Map<number, number>): Promise<Thread[]> {
  const names = (await sys.names(directory)).filter((name) => /^cpu\d+$/.test(name));
  const isolated = parseCpuList(await sys.text(`${directory}/isolated`));
  return Promise.all(
    names.map(async (name) => {
      const id = Number(name.slice(3));
      const at = (path: string) => sys.number(`${directory}/${name}/${path}`);
      const node = (await sys.names(`${directory}/${name}`)).find((entry) => /^node\d+$/.test(entry));
      const khz = await at('cpufreq/scaling_cur_freq');
      return {
        id,
        socket: Math.max(0, (await at('topology/physical_package_id')) ?? 0),
        core: Math.max(0, (await at('topology/core_id')) ?? id),
        die: Math.max(0, (await at('topology/die_id')) ?? 0),
        node: node ? Number(node.slice(4)) : 0,
        frequencyMhz: khz === undefined ? procMhz.get(id) : Math.round(khz / 1000),
        // The first one cannot be taken away, and has no such file.
        online: ((await at('online')) ?? 1) === 1,
        isolated: isolated.has(id),
      };
    }),
  );
}

/** Blocks of /proc/cpuinfo by the number of the thread. */
export function parseCpuinfo(text: string): Map<number, Record<string, string>> {
  const blocks = text.split(/\n\s*\n/).map((block) =>
    Object.fromEntries(
      block.split('\n').flatMap((line) => {
        const at = line.indexOf(':');
        return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
      }),
    ),
  );
  return new Map(blocks.flatMap((block) => (block['processor'] ? [[Number(block['processor']), block] as const] : [])));
}

const cacheUnits: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
async function readCaches(sys: Sysfs, thread: Thread): Promise<object[]> {
  const indexes = (await sys.names(`${directory}/cpu${thread.id}/cache`)).filter((name) => /^index\d+$/.test(name));
  return Promise.all(
    indexes.map(async (name) => {
      const at = (path: string) => sys.text(`${directory}/cpu${thread.id}/cache/${name}/${path}`);
      const size = /^(\d+)([KMG]?)$/.exec(await at('size'));
      return known({
        level: Number(await at('level')) || undefined,
        type: await at('type'),
        size: size ? Number(size[1]) * (cacheUnits[size[2] ?? ''] ?? 1) : undefined,
      });
    }),
  );
}

function highest(threads: Thread[]): number | undefined {
  const found = threads.flatMap(({ frequencyMhz }) => frequencyMhz ?? []);
  return found.length > 0 ? Math.max(...found) : undefined;
}

function grouped<K extends string | number>(threads: Thread[], keyOf: (thread: Thread) => K): Map<K, Thread[]> {
  const groups = new Map<K, Thread[]>();
  for (const thread of threads) groups.set(keyOf(thread), [...(groups.get(keyOf(thread)) ?? []), thread]);
  return groups;
}

export async function cpuResources(sys: Sysfs): Promise<Record<string, unknown>> {
  const info = parseCpuinfo(await sys.text('/proc/cpuinfo'));
  const mhz = new Map(
    [...info].flatMap(([id, block]) => (block['cpu MHz'] ? [[id, Math.round(Number(block['cpu MHz']))]] : [])),
  );
  const threads = await readThreads(sys, mhz);
  const sockets = [...grouped(threads, ({ socket }) => socket)].map(async ([socket, members]) => {
    const first = members[0];
    const block = first ? info.get(first.id) : undefined;
    const limit = async (name: string) => {
      const khz = await sys.number(`${directory}/cpu${first?.id}/cpufreq/${name}`);
      return khz === undefined ? undefined : Math.round(khz / 1000);
    };
    return known({
      socket,
      name: block?.['model name'],
      vendor: block?.['vendor_id'],
      address_sizes: block?.['address sizes'],
      frequency: highest(members),
      frequency_minimum: await limit('cpuinfo_min_freq'),
      frequency_turbo: await limit('cpuinfo_max_freq'),
      cache: first ? await readCaches(sys, first) : [],
      cores: [...grouped(members, ({ die, core }) => `${die}/${core}`).values()].map((ofCore) =>
        known({
          core: ofCore[0]?.core,
          die: ofCore[0]?.die,
          frequency: highest(ofCore),
          threads: ofCore.map(({ id, node, online, isolated }, thread) => ({
            ...{ id, thread, numa_node: node, online, isolated },
          })),
        }),
      ),
    });
  });
  return { architecture: hostArchitecture(), total: threads.length, sockets: await Promise.all(sockets) };
}
