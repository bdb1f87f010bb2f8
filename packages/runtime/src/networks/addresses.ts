import { parseIpv4, parseIpv6 } from '@stapes/contract/config-keys/value-checks';
import { DomainError } from '@stapes/contract/errors';

/** A subnet as numbers; `first` is its lowest address. */
export interface Subnet {
  family: 4 | 6;
  first: bigint;
  last: bigint;
  prefix: number;
}
/** An address in its subnet, `10.1.2.1/24`. */
export interface InterfaceAddressSpec extends Subnet {
  address: string;
}

/** Parses `10.1.2.1/24`, `fd42::/64` or a bare address (a subnet of one). Null when it is neither. */
export function parseSubnet(text: string): InterfaceAddressSpec | null {
  const [address = '', prefixText, ...rest] = text.split('/');
  const v4 = parseIpv4(address);
  const number = v4 === null ? parseIpv6(address) : BigInt(v4);
  if (number === null || rest.length > 0) return null;
  const width = v4 === null ? 128 : 32;
  const prefix = prefixText === undefined ? width : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
  if (prefix < 0 || prefix > width) return null;
  const size = 1n << BigInt(width - prefix);
  const first = number - (number % size);
  return { family: v4 === null ? 6 : 4, address, first, last: first + size - 1n, prefix };
}

/** As above; throws `invalid`. */
export function subnetOf(text: string): InterfaceAddressSpec {
  const subnet = parseSubnet(text);
  if (!subnet) throw new DomainError('invalid', `${JSON.stringify(text)} is not an address with its prefix`);
  return subnet;
}

/** An address of the family, as given; throws `invalid`. */
export function addressOf(text: string, family: 4 | 6): string {
  const subnet = parseSubnet(text);
  if (subnet?.family === family && !text.includes('/')) return text;
  throw new DomainError('invalid', `${JSON.stringify(text)} is not an IPv${family} address`);
}

export function overlaps(one: Subnet, other: Subnet): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

export function contains(subnet: Subnet, address: string): boolean {
  const single = parseSubnet(address);
  return single !== null && overlaps(subnet, single);
}

export function formatIpv4(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
}

/** Compressed as RFC 5952 wants it. */
export function formatIpv6(number: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => (number >> BigInt(112 - 16 * index)) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(':');
  const zeros = [...text.matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)]
    .map((match) => match[1] ?? '')
    .sort((a, b) => b.length - a.length)[0];
  if (zeros === undefined) return text;
  const at = `:${text}:`.indexOf(`:${zeros}:`);
  return `${text.slice(0, Math.max(0, at - 1))}::${text.slice(at + zeros.length + 1)}`;
}

export function formatAddress(number: bigint, family: 4 | 6): string {
  return family === 4 ? formatIpv4(number) : formatIpv6(number);
}

/** The address that a host gives itself in a /64 from its hardware address (modified EUI-64). */
export function eui64(first: bigint, hwaddr: string): bigint {
  const bytes = hwaddr.split(':').map((part) => BigInt(`0x${part}`));
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = bytes;
  return [a ^ 2n, b, c, 0xffn, 0xfen, d, e, f].reduce((sum, byte) => (sum << 8n) | byte, first >> 64n);
}
export const linkLocalFirst = 0xfe80n << 112n;
