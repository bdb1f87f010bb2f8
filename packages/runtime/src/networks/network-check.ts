import { DomainError } from '@stapes/contract/errors';
import { contains, formatAddress, subnetOf, type Subnet } from './addresses.ts';
import type { NetworkSpec, PortSpec } from './driver.ts';

/** Throws `invalid` for a network whose addresses are not of the family that they are for. */
export function checkNetworkSpec(spec: NetworkSpec): void {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const address = spec[family]?.address;
    if (address !== undefined && subnetOf(address).family !== (family === 'ipv4' ? 4 : 6)) {
      const message = `${JSON.stringify(address)} is not an ${family} address with its prefix`;
      throw new DomainError('invalid', message, { details: { field: `config.${family}.address` } });
    }
  }
}

/** Fixed addresses are in the network's subnet, are not the bridge's own, and are nobody else's. */
export function checkPortAddresses(port: PortSpec, spec: NetworkSpec, others: readonly PortSpec[]): void {
  for (const [family, key] of [
    ['ipv4', 'ipv4Address'],
    ['ipv6', 'ipv6Address'],
  ] as const) {
    const address = port[key];
    if (address === undefined) continue;
    const details = { field: `${family}.address` };
    const network = spec[family]?.address;
    if (network === undefined)
      throw new DomainError(
        'invalid',
        `The network ${spec.ref.name} has no ${family} addresses, so that ${address} cannot be one`,
        { details },
      );
    const subnet = subnetOf(network);
    if (!contains(subnet, address))
      throw new DomainError('invalid', `${address} is not in ${network}, the subnet of the network ${spec.ref.name}`, {
        details,
      });
    const number = subnetOf(address).first;
    const reserved = family === 'ipv4' ? [subnet.first, subnet.last] : [subnet.first];
    if ([subnetOf(subnet.address).first, ...reserved].includes(number)) {
      throw new DomainError('invalid', `${address} cannot be that of an instance in the network ${spec.ref.name}`, {
        details,
      });
    }
    const holder = others.find(
      (other) => other.portId !== port.portId && other[key] !== undefined && subnetOf(other[key]).first === number,
    );
    if (holder)
      throw new DomainError('exists', `${address} is that of ${holder.hostname} in the network ${spec.ref.name}`, {
        details,
      });
  }
}

/** A free address of the subnet that the hardware address leads to; the same every time while it is free. */
export function pickAddress(subnet: Subnet & { address: string }, hwaddr: string, used: readonly string[]): string {
  const taken = new Set(used.map((address) => subnetOf(address).first));
  taken.add(subnetOf(subnet.address).first);
  const room = subnet.last - subnet.first - 1n;
  const span = room < 0xffffn ? room : 0xffffn;
  const start = BigInt(`0x${hwaddr.replaceAll(':', '')}`) * 2654435761n;
  for (let step = 0n; step < span; step++) {
    const number = subnet.first + 1n + ((start + step) % span);
    if (!taken.has(number)) return formatAddress(number, subnet.family);
  }
  throw new DomainError('unavailable', `No address is free in the subnet of ${subnet.address}/${subnet.prefix}`);
}
