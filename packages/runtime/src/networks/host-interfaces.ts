import type { InterfaceState } from '@stapes/contract/instance';
import { run } from '../host/run.ts';

/** An interface of this host, as the kernel shows it. */
export interface HostInterface {
  name: string;
  /** `bridge`, `physical`, `loopback`, `veth`, `vlan`, `bond` ...; `unknown` for the rest. */
  type: string;
  /** Bridge or bond that it is in. */
  master: string | null;
  state: InterfaceState;
}

interface Counters {
  bytes?: number;
  packets?: number;
  errors?: number;
  dropped?: number;
}
interface LinkJson {
  ifname?: string;
  flags?: string[];
  mtu?: number;
  master?: string;
  link_type?: string;
  address?: string;
  linkinfo?: { info_kind?: string };
  addr_info?: { family?: string; local?: string; prefixlen?: number; scope?: string }[];
  stats64?: { rx?: Counters; tx?: Counters };
}

const scopes: Record<string, 'global' | 'link' | 'local'> = { global: 'global', link: 'link', host: 'local' };

function toState(link: LinkJson): InterfaceState {
  const flags = link.flags ?? [];
  const rx = link.stats64?.rx ?? {};
  const tx = link.stats64?.tx ?? {};
  return {
    addresses: (link.addr_info ?? []).flatMap((info) =>
      info.local && (info.family === 'inet' || info.family === 'inet6')
        ? [
            {
              family: info.family,
              address: info.local,
              netmask: String(info.prefixlen),
              scope: scopes[info.scope ?? ''] ?? 'global',
            },
          ]
        : [],
    ),
    counters: {
      bytes_received: rx.bytes ?? 0,
      bytes_sent: tx.bytes ?? 0,
      packets_received: rx.packets ?? 0,
      packets_sent: tx.packets ?? 0,
      errors_received: rx.errors ?? 0,
      errors_sent: tx.errors ?? 0,
      packets_dropped_inbound: rx.dropped ?? 0,
      packets_dropped_outbound: tx.dropped ?? 0,
    },
    hwaddr: link.address ?? '',
    host_name: '',
    mtu: link.mtu ?? 0,
    state: flags.includes('UP') ? 'up' : 'down',
    type: flags.includes('LOOPBACK')
      ? 'loopback'
      : flags.includes('POINTOPOINT')
        ? 'point-to-point'
        : flags.includes('BROADCAST')
          ? 'broadcast'
          : 'unknown',
  };
}

function toInterface(link: LinkJson): HostInterface {
  const kind = link.linkinfo?.info_kind;
  const plain = link.link_type === 'loopback' ? 'loopback' : link.link_type === 'ether' ? 'physical' : 'unknown';
  return { name: link.ifname ?? '', type: kind ?? plain, master: link.master ?? null, state: toState(link) };
}

export function parseInterfaces(text: string): HostInterface[] {
  // An interface that vanishes while ip looks leaves an empty object.
  return (JSON.parse(text.trim() || '[]') as LinkJson[]).filter((link) => link.ifname !== undefined).map(toInterface);
}

/** All interfaces of this host, with addresses and counters, by one call. */
export async function listHostInterfaces(): Promise<HostInterface[]> {
  return parseInterfaces((await run('ip', ['-j', '-d', '-s', 'addr', 'show'])).stdout);
}

/** One interface, or null. */
export async function findHostInterface(name: string): Promise<HostInterface | null> {
  const { stdout, code } = await run('ip', ['-j', '-d', '-s', 'addr', 'show', 'dev', name], { okCodes: [0, 1] });
  return code === 0 ? (parseInterfaces(stdout)[0] ?? null) : null;
}
