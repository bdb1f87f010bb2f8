import { DomainError } from '@stapes/contract/errors';
import { hasControlCharacter } from '@stapes/contract/names';

/** Everything that reaches the kernel, nftables or dnsmasq has passed one of these. */

/** Name of a Linux interface. Neither `*` nor `@`, which mean something to nftables and dnsmasq. */
export function interfaceName(name: string): string {
  if (/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,14}$/.test(name) && !name.includes('..') && name !== 'lo') return name;
  throw new DomainError('invalid', `${JSON.stringify(name)} cannot be the name of a network interface`);
}

/** An id that the server minted: names files, chains and processes. */
export function mintedId(id: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) return id;
  throw new DomainError('invalid', `${JSON.stringify(id)} is not an id`);
}

export function hardwareAddress(address: string): string {
  const lower = address.toLowerCase();
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(lower) && !hasControlCharacter(lower)) return lower;
  throw new DomainError('invalid', `${JSON.stringify(address)} is not a hardware address`);
}

export function dnsLabel(name: string): string {
  if (/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(name)) return name;
  throw new DomainError('invalid', `${JSON.stringify(name)} cannot be a name in DNS`);
}

export function dnsDomain(domain: string): string {
  if (
    domain.length <= 253 &&
    domain.split('.').every((label) => /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(label))
  )
    return domain;
  throw new DomainError('invalid', `${JSON.stringify(domain)} cannot be a domain`);
}
