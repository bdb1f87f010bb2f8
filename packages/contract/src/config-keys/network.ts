import { bool, declareKeys, multilineText, type ConfigKey } from './declare.ts';
import { checkIpv4Interface, checkIpv4Range, checkIpv6Interface } from './value-checks.ts';

const word = (check: (value: string) => string | null) => (value: string) =>
  value === 'auto' || value === 'none' ? null : check(value);
const checkRanges = (value: string) =>
  value
    .split(',')
    .map((range) => checkIpv4Range(range.trim()))
    .find((problem) => problem !== null) ?? null;
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';

const common = declareKeys({ scope: 'network-bridge', group: 'common', live: true }, [
  {
    key: 'bridge.mtu',
    type: { kind: 'integer', min: 1280, max: 65535 },
    default: '1500',
    short: 'Largest packet of the bridge.',
  },
  {
    key: 'dns.domain',
    type: {
      kind: 'string',
      pattern: new RegExp(`^${label}(?:\\.${label})*$`),
      patternHint: 'Give a domain such as "lan" or "lab.example"',
      maxLength: 253,
    },
    default: 'stapes',
    short: 'Domain under which instances find each other.',
  },
  {
    key: 'dns.mode',
    type: { kind: 'enum', values: ['managed', 'dynamic', 'none'] },
    default: 'managed',
    short: 'Where names come from: the server knows them (managed), the clients say them (dynamic), or no DNS (none).',
  },
  {
    key: 'ipv4.address',
    type: { kind: 'custom', check: word(checkIpv4Interface), hint: '10.1.2.1/24, auto or none' },
    default: '(auto when created)',
    short: 'IPv4 address of the bridge with its prefix; auto picks a free subnet, none turns IPv4 off.',
  },
  {
    key: 'ipv4.nat',
    type: bool,
    default: '(true when the address is auto)',
    short: 'Hide IPv4 traffic of instances behind the host.',
  },
  { key: 'ipv4.dhcp', type: bool, default: 'true', short: 'Give out IPv4 addresses.' },
  {
    key: 'ipv4.dhcp.ranges',
    type: { kind: 'custom', check: checkRanges, hint: '10.1.2.10-10.1.2.99' },
    default: '(whole subnet)',
    short: 'Addresses that DHCP may give out, as ranges separated by commas.',
  },
  {
    key: 'ipv4.dhcp.expiry',
    type: {
      kind: 'string',
      pattern: /^([1-9]\d{0,5}[smhdw]?|infinite)$/,
      patternHint: 'Give a span such as 30m, 1h, 7d or infinite',
    },
    default: '1h',
    short: 'How long an address is lent; at least two minutes.',
  },
  {
    key: 'ipv4.firewall',
    type: bool,
    default: 'true',
    short: 'Make the firewall rules that IPv4 of this network needs.',
  },
  { key: 'ipv4.routing', type: bool, default: 'true', short: 'Forward IPv4 traffic to and from the bridge.' },
  {
    key: 'ipv6.address',
    type: { kind: 'custom', check: word(checkIpv6Interface), hint: 'fd42:1:2:3::1/64, auto or none' },
    default: '(auto when created)',
    short: 'IPv6 address of the bridge with its prefix; auto picks a free subnet, none turns IPv6 off.',
  },
  {
    key: 'ipv6.nat',
    type: bool,
    default: '(true when the address is auto)',
    short: 'Hide IPv6 traffic of instances behind the host.',
  },
  {
    key: 'ipv6.dhcp',
    type: bool,
    default: 'true',
    short: 'Tell instances more than the prefix, such as DNS, by DHCPv6.',
  },
  {
    key: 'ipv6.dhcp.stateful',
    type: bool,
    default: 'false',
    short: 'Give out IPv6 addresses by DHCPv6 rather than letting instances choose.',
  },
  {
    key: 'ipv6.firewall',
    type: bool,
    default: 'true',
    short: 'Make the firewall rules that IPv6 of this network needs.',
  },
  { key: 'ipv6.routing', type: bool, default: 'true', short: 'Forward IPv6 traffic to and from the bridge.' },
  { key: 'user.*', type: multilineText, short: 'Anything of your own.' },
]);

const volatile = declareKeys({ scope: 'network-bridge', group: 'volatile', live: false }, [
  {
    key: 'volatile.*',
    type: { kind: 'string' },
    readOnly: true,
    short: 'What the server remembers about the network.',
  },
]);

export const networkKeys: readonly ConfigKey[] = [...common, ...volatile];
