import { DomainError } from '@stapes/contract/errors';
import { run } from '../host/run.ts';
import { formatIpv4, formatIpv6, overlaps, parseSubnet, type Subnet } from './addresses.ts';

interface RouteJson {
  dst?: string;
  gateway?: string;
}
interface AddressJson {
  addr_info?: { local?: string; prefixlen?: number }[];
}

/** Subnets that this host knows of: its addresses and every route of every table. Default routes cover all and say nothing. */
export async function usedSubnets(): Promise<Subnet[]> {
  const [addresses, v4, v6] = await Promise.all([
    run('ip', ['-j', 'addr', 'show']),
    run('ip', ['-j', '-4', 'route', 'show', 'table', 'all']),
    run('ip', ['-j', '-6', 'route', 'show', 'table', 'all']),
  ]);
  const parse = <T>(text: string) => JSON.parse(text.trim() || '[]') as T[];
  const texts = [
    ...parse<AddressJson>(addresses.stdout).flatMap((link) =>
      (link.addr_info ?? []).map((info) => `${info.local}/${info.prefixlen}`),
    ),
    ...[...parse<RouteJson>(v4.stdout), ...parse<RouteJson>(v6.stdout)].flatMap((route) => [
      route.dst ?? '',
      route.gateway ?? '',
    ]),
  ];
  return texts
    .map(parseSubnet)
    .filter((subnet): subnet is NonNullable<typeof subnet> => subnet !== null && subnet.prefix > 0);
}

/** `random` gives numbers from 0 up to, not including, 1. */
function pick(attempts: number, draw: () => string, used: readonly Subnet[]): string {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const text = draw();
    const candidate = parseSubnet(text);
    if (candidate && !used.some((subnet) => overlaps(subnet, candidate))) return text;
  }
  throw new DomainError(
    'unavailable',
    'No free subnet was found for the network: give ipv4.address and ipv6.address by hand',
  );
}

/** Free ranges `10.x.y.1/24` and `fd42:...::1/64`. */
export function pickSubnets(used: readonly Subnet[], random: () => number): { ipv4: string; ipv6: string } {
  const number = (below: number) => Math.floor(random() * below);
  const drawIpv4 = () => `${formatIpv4((10n << 24n) | (BigInt(number(65536)) << 8n) | 1n)}/24`;
  const drawIpv6 = () => {
    const middle = [number(65536), number(65536), number(65536)].reduce(
      (sum, group) => (sum << 16n) | BigInt(group),
      0xfd42n,
    );
    return `${formatIpv6((middle << 64n) | 1n)}/64`;
  };
  return { ipv4: pick(5000, drawIpv4, used), ipv6: pick(5000, drawIpv6, used) };
}
