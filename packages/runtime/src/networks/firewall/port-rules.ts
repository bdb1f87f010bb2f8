import { addressOf, eui64, formatIpv6, linkLocalFirst, subnetOf } from '../addresses.ts';
import type { PortSpec } from '../driver.ts';
import { hardwareAddress, interfaceName, mintedId } from '../interface-names.ts';
import {
  element,
  field,
  iif,
  is,
  isNot,
  oif,
  removeChain,
  replaceChain,
  type Json,
  type Left,
  type Match,
  type Rule,
  type Table,
  type Verdict,
} from './nft.ts';

/** A port as its filters need it: with the IPv6 subnet of its network, from which it may form an address of its own. */
export interface FilteredPort extends Pick<
  PortSpec,
  'portId' | 'hostName' | 'hwaddr' | 'ipv4Address' | 'ipv6Address' | 'filter' | 'isolated'
> {
  ipv6Network: string | null;
}

const icmpv6Type = field('icmpv6', 'type');
// Bits from the start of an ICMPv6 neighbour advertisement; counted from the transport header, so that extension headers do not shift them.
const advertisedTarget: Left = { transport: { offset: 64, length: 128 } };
const advertisedHwaddr: Left = { transport: { offset: 208, length: 48 } };
const hex = (number: bigint) => `0x${number.toString(16)}`;

function macRules(chain: string, hwaddr: string): Rule[] {
  const drop = (...when: Match[]): Rule => ({ chain, when, verdict: 'drop' });
  return [
    drop(isNot(field('ether', 'saddr'), hwaddr)),
    drop(isNot(field('arp', 'saddr ether'), hwaddr)),
    drop(is(icmpv6Type, 'nd-neighbor-advert'), isNot(advertisedHwaddr, hex(BigInt(`0x${hwaddr.replaceAll(':', '')}`)))),
  ];
}

function ipv4Rules(chain: string, address: string | undefined): Rule[] {
  const drop = (...when: Match[]): Rule => ({ chain, when, verdict: 'drop' });
  // 0.0.0.0 is who asks DHCP for an address, and who asks by ARP whether one is free.
  const own = { anyOf: [...(address === undefined ? [] : [addressOf(address, 4)]), '0.0.0.0'] };
  const nobody = is(field('ip', 'saddr'), '0.0.0.0');
  return [
    drop(isNot(field('arp', 'saddr ip'), own)),
    drop(isNot(field('ip', 'saddr'), own)),
    drop(nobody, isNot({ meta: 'l4proto' }, 'udp')),
    drop(nobody, isNot(field('udp', 'dport'), 67)),
    drop(is(field('udp', 'sport'), 67)),
  ];
}

function ipv6Rules(chain: string, port: FilteredPort): Rule[] {
  const rule = (verdict: Verdict, ...when: Match[]): Rule => ({ chain, when, verdict });
  const hwaddr = hardwareAddress(port.hwaddr);
  const addresses = [
    formatIpv6(eui64(linkLocalFirst, hwaddr)),
    ...(port.ipv6Address === undefined ? [] : [addressOf(port.ipv6Address, 6)]),
    ...(port.ipv6Network === null ? [] : [formatIpv6(eui64(subnetOf(port.ipv6Network).first, hwaddr))]),
  ];
  return [
    rule('drop', is(icmpv6Type, 'nd-router-advert')),
    rule('drop', is(icmpv6Type, 'nd-redirect')),
    rule('drop', is(field('udp', 'sport'), 547)),
    rule(
      'drop',
      is(icmpv6Type, 'nd-neighbor-advert'),
      isNot(advertisedTarget, { anyOf: addresses.map((text) => hex(subnetOf(text).first)) }),
    ),
    // Asking whether an address is free, or for a router, before it has any.
    rule(
      'accept',
      is(field('ip6', 'saddr'), '::'),
      is(icmpv6Type, { anyOf: ['nd-neighbor-solicit', 'nd-router-solicit', 'mld2-listener-report'] }),
    ),
    rule('drop', isNot(field('ip6', 'saddr'), { anyOf: addresses })),
  ];
}

export const hasFilter = ({ filter }: Pick<FilteredPort, 'filter'>) => filter.mac || filter.ipv4 || filter.ipv6;

export const portChain = (portId: string) => `port_${mintedId(portId)}`;

/** Filters first, nothing is accepted before the hardware address was checked. */
function rulesOf(port: FilteredPort): Rule[] {
  const chain = portChain(port.portId);
  const { mac, ipv4, ipv6 } = port.filter;
  return [
    // Filters by address say nothing of frames in a VLAN tag or of other protocols; these are not let around them.
    ...(ipv4 || ipv6
      ? [{ chain, when: [isNot(field('ether', 'type'), { anyOf: ['ip', 'arp', 'ip6'] })], verdict: 'drop' as const }]
      : []),
    ...(mac || ipv4 || ipv6 ? macRules(chain, hardwareAddress(port.hwaddr)) : []),
    ...(ipv4 ? ipv4Rules(chain, port.ipv4Address) : []),
    ...(ipv6 ? ipv6Rules(chain, port) : []),
  ];
}

/** Names of interfaces, not the interfaces: the rules are there before the veth is, and when it comes back. */
export function portsTable(name: string, ports: readonly FilteredPort[]): Table {
  const filtered = ports.filter(hasFilter);
  return {
    family: 'bridge',
    name,
    chains: [
      { name: 'prerouting', hook: { type: 'filter', at: 'prerouting', priority: -300 } },
      { name: 'forward', hook: { type: 'filter', at: 'forward', priority: -200 } },
      ...filtered.map((port) => ({ name: portChain(port.portId) })),
    ],
    sets: [
      { name: 'isolated', elements: ports.filter((port) => port.isolated).map((port) => interfaceName(port.hostName)) },
    ],
    maps: [
      {
        name: 'ports',
        jumps: filtered.map((port) => ({ from: interfaceName(port.hostName), chain: portChain(port.portId) })),
      },
    ],
    rules: [
      ...filtered.flatMap(rulesOf),
      { chain: 'prerouting', when: [], verdict: { lookUp: { key: 'iifname', map: 'ports' } } },
      {
        chain: 'forward',
        when: [is(iif, { namedSet: 'isolated' }), is(oif, { namedSet: 'isolated' })],
        verdict: 'drop',
      },
    ],
  };
}

/** Commands that make of a port, as it was, the port as it shall be; null where there is none. The table must be there. */
export function changePort(tableName: string, before: FilteredPort | null, after: FilteredPort | null): Json[] {
  const table = { family: 'bridge', name: tableName } as const;
  const commands: Json[] = [];
  const moved = before !== null && before.hostName !== after?.hostName;
  const chainOf = (port: FilteredPort) => portChain(port.portId);
  if (after && hasFilter(after)) {
    commands.push(
      ...replaceChain(table, chainOf(after), rulesOf(after)),
      element('add', table, 'ports', interfaceName(after.hostName), chainOf(after)),
    );
  }
  if (before && hasFilter(before) && (moved || !after || !hasFilter(after))) {
    commands.push(element('delete', table, 'ports', interfaceName(before.hostName), chainOf(before)));
    if (!after || !hasFilter(after)) commands.push(...removeChain(table, chainOf(before)));
  }
  if (after?.isolated) commands.push(element('add', table, 'isolated', interfaceName(after.hostName)));
  if (before?.isolated && (moved || !after?.isolated))
    commands.push(element('delete', table, 'isolated', interfaceName(before.hostName)));
  return commands;
}
