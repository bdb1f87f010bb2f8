import type { NetworkRef, NetworkSpec } from '@stapes/runtime/networks/driver';
import type { NetworkRow } from '../store/store.ts';
import { isNotFalse, isTrue } from './validate.ts';

/** What the host calls the bridge; kept in the row because another server may have had the name first. */
export const interfaceKey = 'volatile.interface';

export function toNetworkRef(row: NetworkRow): NetworkRef {
  return { id: row.id, name: row.name, interfaceName: row.config[interfaceKey] ?? row.name };
}

const isSet = (address: string | undefined): address is string =>
  address !== undefined && address !== '' && address !== 'none' && address !== 'auto';

/** Keys to typed values. Pure; `auto` has become an address before. */
export function toNetworkSpec(row: NetworkRow): NetworkSpec {
  const { config } = row;
  const mode = config['dns.mode'];
  const ipv4 = config['ipv4.address'];
  const ipv6 = config['ipv6.address'];
  return {
    ref: toNetworkRef(row),
    ipv4: isSet(ipv4)
      ? {
          address: ipv4,
          nat: isTrue(config['ipv4.nat']),
          dhcp: isNotFalse(config['ipv4.dhcp']),
          dhcpRanges: (config['ipv4.dhcp.ranges'] ?? '')
            .split(',')
            .map((range) => range.trim())
            .filter(Boolean),
          dhcpExpiry: config['ipv4.dhcp.expiry'] ?? '1h',
          firewall: isNotFalse(config['ipv4.firewall']),
          routing: isNotFalse(config['ipv4.routing']),
        }
      : null,
    ipv6: isSet(ipv6)
      ? {
          address: ipv6,
          nat: isTrue(config['ipv6.nat']),
          dhcp: isNotFalse(config['ipv6.dhcp']),
          stateful: isTrue(config['ipv6.dhcp.stateful']),
          firewall: isNotFalse(config['ipv6.firewall']),
          routing: isNotFalse(config['ipv6.routing']),
        }
      : null,
    dns: { domain: config['dns.domain'] ?? 'stapes', mode: mode === 'dynamic' || mode === 'none' ? mode : 'managed' },
    ...(config['bridge.mtu'] ? { mtu: Number(config['bridge.mtu']) } : {}),
  };
}
