import { subnetOf } from '../addresses.ts';
import type { NetworkSpec } from '../driver.ts';
import { interfaceName } from '../interface-names.ts';
import { field, iif, is, isNot, oif, type Match, type Rule, type Table, type Verdict } from './nft.ts';

/** Rules of the networks: one table for all of a state directory. */

interface FamilyRules {
  bridge: string;
  proto: 'ipv4' | 'ipv6';
  ip: 'ip' | 'ip6';
  address: string;
  nat: boolean;
  firewall: boolean;
  routing: boolean;
  dhcp: boolean;
}

function inputRules(rules: FamilyRules): Rule[] {
  const { bridge, ip } = rules;
  const onBridge: Match[] = [is(iif, bridge), is({ meta: 'nfproto' }, rules.proto)];
  const rule = (verdict: Verdict, ...when: Match[]): Rule => ({ chain: 'input', when, verdict });
  const toUs = is(field(ip, 'daddr'), rules.address);
  const elsewhere = isNot(iif, { anyOf: [bridge, 'lo'] });
  // The kernel answers for its addresses on every interface; this resolver is for its own network only.
  const guarded = [
    rule('drop', elsewhere, toUs, is(field('udp', 'dport'), 53)),
    rule('drop', elsewhere, toUs, is(field('tcp', 'dport'), 53)),
  ];
  if (!rules.firewall) return guarded;
  const dhcpPort = rules.proto === 'ipv4' ? 67 : 547;
  return [
    ...guarded,
    ...(rules.dhcp ? [rule('accept', ...onBridge, is(field('udp', 'dport'), dhcpPort))] : []),
    rule('accept', ...onBridge, toUs, is(field('udp', 'dport'), 53)),
    rule('accept', ...onBridge, toUs, is(field('tcp', 'dport'), 53)),
    ...(rules.proto === 'ipv6'
      ? [
          rule(
            'accept',
            is(iif, bridge),
            is(field('icmpv6', 'type'), {
              anyOf: [
                'nd-router-solicit',
                'nd-neighbor-solicit',
                'nd-neighbor-advert',
                'echo-request',
                'mld-listener-report',
                'mld2-listener-report',
              ],
            }),
          ),
        ]
      : []),
  ];
}

function forwardRules({ bridge, proto, firewall, routing }: FamilyRules): Rule[] {
  const ofFamily = is({ meta: 'nfproto' }, proto);
  const both = (verdict: Verdict): Rule[] =>
    [iif, oif].map((side) => ({ chain: 'forward', when: [ofFamily, is(side, bridge)], verdict }));
  if (!routing) {
    const within: Rule = { chain: 'forward', when: [ofFamily, is(iif, bridge), is(oif, bridge)], verdict: 'accept' };
    return [within, ...both('drop')];
  }
  return firewall ? both('accept') : [];
}

function natRules({ bridge, ip, address, nat }: FamilyRules, prefix: number): Rule[] {
  if (!nat) return [];
  const subnet = { prefix: { addr: address, len: prefix } };
  const when = [is(field(ip, 'saddr'), subnet), isNot(field(ip, 'daddr'), subnet), isNot(oif, bridge)];
  return [{ chain: 'postrouting', when, verdict: 'masquerade' }];
}

function familiesOf(spec: NetworkSpec): FamilyRules[] {
  const bridge = interfaceName(spec.ref.interfaceName);
  return [
    ...(spec.ipv4 ? [{ bridge, proto: 'ipv4' as const, ip: 'ip' as const, ...spec.ipv4 }] : []),
    ...(spec.ipv6 ? [{ bridge, proto: 'ipv6' as const, ip: 'ip6' as const, ...spec.ipv6 }] : []),
  ];
}

function rulesOf(spec: NetworkSpec): Rule[] {
  return familiesOf(spec).flatMap((family) => {
    const subnet = subnetOf(family.address);
    const rules = { ...family, address: subnet.address };
    return [...inputRules(rules), ...forwardRules(rules), ...natRules(rules, subnet.prefix)];
  });
}

export function networksTable(name: string, specs: readonly NetworkSpec[]): Table {
  return {
    family: 'inet',
    name,
    chains: [
      { name: 'input', hook: { type: 'filter', at: 'input', priority: 0 } },
      { name: 'forward', hook: { type: 'filter', at: 'forward', priority: 0 } },
      { name: 'postrouting', hook: { type: 'nat', at: 'postrouting', priority: 100 } },
    ],
    sets: [],
    maps: [],
    rules: specs.flatMap(rulesOf),
  };
}
