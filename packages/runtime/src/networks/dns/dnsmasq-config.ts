import { DomainError } from '@stapes/contract/errors';
import { hasControlCharacter } from '@stapes/contract/names';
import { addressOf, contains, formatAddress, subnetOf } from '../addresses.ts';
import type { NetworkSpec, PortSpec } from '../driver.ts';
import { dnsDomain, dnsLabel, hardwareAddress, interfaceName } from '../interface-names.ts';

/** Files that dnsmasq reads, from typed values. One line is one option; a value can never become a second line or a second field. */

export interface DnsmasqFiles {
  hostsDirectory: string;
  leases: string;
  pid: string;
  log: string;
}

type Option = readonly [name: string, ...fields: string[]];

function line([name, ...fields]: Option): string {
  for (const field of fields) {
    if (hasControlCharacter(field) || /[,"#\\]/.test(field))
      throw new DomainError('invalid', `${JSON.stringify(field)} cannot be a value of dnsmasq's ${name}`);
  }
  return fields.length === 0 ? name : `${name}=${fields.join(',')}`;
}

function ranges({ address, dhcpRanges }: { address: string; dhcpRanges: string[] }): [string, string][] {
  const subnet = subnetOf(address);
  if (dhcpRanges.length === 0) {
    const own = subnetOf(subnet.address).first;
    const first = own === subnet.first + 1n ? own + 1n : subnet.first + 1n;
    return [[formatAddress(first, 4), formatAddress(subnet.last - 1n, 4)]];
  }
  return dhcpRanges.map((range) => {
    const [from = '', to = ''] = range.split('-').map((part) => part.trim());
    for (const end of [from, to]) {
      if (!contains(subnet, addressOf(end, 4)))
        throw new DomainError('invalid', `The DHCP range ${range} is not in ${address}`, {
          details: { field: 'config.ipv4.dhcp.ranges' },
        });
    }
    return [from, to];
  });
}

function ipv4Options(spec: NetworkSpec): Option[] {
  if (!spec.ipv4?.dhcp) return [];
  const expiry = /^(\d{1,9}[smhdw]?|infinite)$/.test(spec.ipv4.dhcpExpiry) ? spec.ipv4.dhcpExpiry : '1h';
  return [
    ...ranges(spec.ipv4).map(([from, to]): Option => ['dhcp-range', from, to, expiry]),
    // No router is told to clients of a network that does not route.
    ...(spec.ipv4.routing ? [] : [['dhcp-option', '3'] as const]),
    ...(spec.mtu === undefined ? [] : [['dhcp-option-force', '26', String(spec.mtu)] as const]),
  ];
}

function ipv6Options(spec: NetworkSpec, bridge: string): Option[] {
  if (!spec.ipv6) return [];
  const subnet = subnetOf(spec.ipv6.address);
  const announce: Option[] = spec.ipv6.routing ? [['enable-ra']] : [['enable-ra'], ['ra-param', bridge, '0', '0']];
  if (spec.ipv6.dhcp && spec.ipv6.stateful) {
    const end = subnet.prefix <= 112 ? subnet.first + 0xffffn : subnet.last;
    return [
      ...announce,
      ['dhcp-range', formatAddress(subnet.first + 2n, 6), formatAddress(end, 6), String(subnet.prefix), '1h'],
    ];
  }
  return [
    ...announce,
    ['dhcp-range', '::', `constructor:${bridge}`, spec.ipv6.dhcp ? 'ra-stateless' : 'ra-only', 'ra-names'],
  ];
}

function dnsOptions(spec: NetworkSpec): Option[] {
  const domain = dnsDomain(spec.dns.domain);
  if (spec.dns.mode === 'none') return [['port', '0']];
  const own = [spec.ipv4, spec.ipv6].flatMap((family) => (family ? [subnetOf(family.address).address] : []));
  return [
    ['domain', domain],
    ['local', `/${domain}/`],
    ['expand-hosts'],
    ['host-record', `_gateway.${domain}`, ...own],
    // A client that says its own name could take that of another.
    ...(spec.dns.mode === 'managed' ? [['dhcp-ignore-names'] as const] : []),
  ];
}

export function renderDnsmasqConfig(spec: NetworkSpec, files: DnsmasqFiles, user: string): string {
  const bridge = interfaceName(spec.ref.interfaceName);
  const options: Option[] = [
    ['user', user],
    ['interface', bridge],
    ['except-interface', 'lo'],
    ['bind-interfaces'],
    ['no-hosts'],
    ['no-ping'],
    ['domain-needed'],
    ['bogus-priv'],
    ['dhcp-authoritative'],
    ['quiet-dhcp'],
    ['quiet-dhcp6'],
    ['quiet-ra'],
    ['pid-file', files.pid],
    ['log-facility', files.log],
    ['dhcp-leasefile', files.leases],
    ['dhcp-hostsfile', files.hostsDirectory],
    ['dhcp-lease-max', '65535'],
    ...dnsOptions(spec),
    ...ipv4Options(spec),
    ...ipv6Options(spec, bridge),
  ];
  return `${options.map(line).join('\n')}\n`;
}

/**
 * The line of a port: hardware address, addresses and name. The name carries its domain, because a bare `10m`, `42` or `ignore`
 * would mean a lease time or a keyword to dnsmasq. Null when there is nothing to say.
 */
export function renderHost(
  port: Pick<PortSpec, 'hwaddr' | 'hostname' | 'ipv4Address' | 'ipv6Address'>,
  dns: NetworkSpec['dns'],
): string | null {
  const fields = [
    ...(port.ipv4Address === undefined ? [] : [addressOf(port.ipv4Address, 4)]),
    ...(port.ipv6Address === undefined ? [] : [`[${addressOf(port.ipv6Address, 6)}]`]),
    ...(dns.mode === 'managed' ? [`${dnsLabel(port.hostname)}.${dnsDomain(dns.domain)}`] : []),
  ];
  return fields.length === 0 ? null : `${[hardwareAddress(port.hwaddr), ...fields].join(',')}\n`;
}
