import type { Sysfs } from './sysfs.ts';

/** Bytes by name of /proc/meminfo; counts as they are. Lines of a node begin with `Node 0`. */
export function parseMeminfo(content: string): Map<string, number> {
  return new Map(
    content.split('\n').flatMap((line) => {
      const match = /^(?:Node \d+ )?([^:]+):\s+(\d+)( kB)?/.exec(line.trim());
      return match?.[1] ? [[match[1], Number(match[2]) * (match[3] ? 1024 : 1)] as const] : [];
    }),
  );
}

function figures(info: Map<string, number>, pageBytes: number) {
  const of = (name: string) => info.get(name) ?? 0;
  const total = of('MemTotal');
  const available = info.get('MemAvailable') ?? of('MemFree') + of('FilePages') + of('SReclaimable');
  return {
    total,
    used: Math.max(0, total - available),
    hugepages_total: of('HugePages_Total') * pageBytes,
    hugepages_used: (of('HugePages_Total') - of('HugePages_Free')) * pageBytes,
  };
}

export async function memoryResources(sys: Sysfs): Promise<Record<string, unknown>> {
  const info = parseMeminfo(await sys.text('/proc/meminfo'));
  const pageBytes = info.get('Hugepagesize') ?? 0;
  const directory = '/sys/devices/system/node';
  const names = (await sys.names(directory)).filter((name) => /^node\d+$/.test(name));
  const nodes = names.map(async (name) => ({
    numa_node: Number(name.slice(4)),
    ...figures(parseMeminfo(await sys.text(`${directory}/${name}/meminfo`)), pageBytes),
  }));
  return { nodes: await Promise.all(nodes), ...figures(info, pageBytes), hugepages_size: pageBytes };
}
