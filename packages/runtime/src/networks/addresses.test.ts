import fc from 'fast-check';
import { isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  contains,
  eui64,
  formatIpv4,
  formatIpv6,
  linkLocalFirst,
  overlaps,
  parseSubnet,
  subnetOf,
} from './addresses.ts';
import type { PortSpec } from './driver.ts';
import { exampleNetwork, examplePort } from './driver.contract.ts';
import { checkNetworkSpec, checkPortAddresses, pickAddress } from './network-check.ts';
import { pickSubnets } from './subnets.ts';

const ipv6Number = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const sparse = fc
  .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce<bigint>((sum, group) => (sum << 16n) | group, 0n));

describe('addresses', () => {
  it('writes what it can read again', () => {
    fc.assert(
      fc.property(fc.oneof(ipv6Number, sparse), (number) => {
        const text = formatIpv6(number);
        expect(isIPv6(text), text).toBe(true);
        expect(parseSubnet(text)?.first).toBe(number);
        // The URL parser writes addresses as RFC 5952 wants them.
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 0xffffffffn }), (number) => {
        expect(parseSubnet(formatIpv4(number))?.first).toBe(number);
      }),
    );
  });

  it('takes nothing else', () => {
    for (const text of [
      '',
      '10.1.2',
      '10.1.2.3/33',
      '10.1.2.3/-1',
      '10.1.2.3/8/8',
      'fd42::/129',
      'fe80::1%lo',
      '10.1.2.3\n',
      'default',
      '1::2::3',
      ':::',
      '12345::',
    ]) {
      expect(parseSubnet(text), text).toBeNull();
    }
    expect(() => subnetOf('x')).toThrow('"x" is not an address');
  });

  it('knows what overlaps', () => {
    const net = subnetOf('10.1.2.1/24');
    expect(overlaps(net, subnetOf('10.1.0.0/16'))).toBe(true);
    expect(overlaps(net, subnetOf('10.1.3.0/24'))).toBe(false);
    expect(overlaps(net, subnetOf('::/0'))).toBe(false);
    expect(contains(net, '10.1.2.255')).toBe(true);
    expect(contains(net, '10.1.3.0')).toBe(false);
  });

  it('forms the address that a host gives itself', () => {
    expect(formatIpv6(eui64(linkLocalFirst, '10:66:6a:00:00:01'))).toBe('fe80::1266:6aff:fe00:1');
  });
});

describe('subnets', () => {
  it('are random, but never one that is used', () => {
    const numbers = [0, 0.5];
    let at = 0;
    const random = () => numbers[Math.min(at++, 1)]!;
    expect(pickSubnets([], () => 0).ipv4).toBe('10.0.0.1/24');
    expect(pickSubnets([subnetOf('10.0.0.0/20')], random)).toEqual({
      ipv4: '10.128.0.1/24',
      ipv6: 'fd42:8000:8000:8000::1/64',
    });
  });

  it('say so when none is free', () => {
    expect(() => pickSubnets([subnetOf('10.0.0.0/8')], Math.random)).toThrow('ipv4.address');
  });
});

describe('fixed addresses', () => {
  const spec = exampleNetwork();
  const check =
    (changes: Partial<PortSpec>, others: PortSpec[] = []) =>
    () =>
      checkPortAddresses(examplePort(changes), spec, others);

  it('are those of the subnet that nobody has', () => {
    expect(check({ ipv4Address: '10.77.1.2', ipv6Address: 'fd42:77:1:1::2' })).not.toThrow();
    expect(check({ ipv4Address: '10.77.1.0' })).toThrow('cannot be');
    expect(check({ ipv4Address: '10.77.1.255' })).toThrow('cannot be');
    expect(check({ ipv4Address: '10.77.1.1' })).toThrow('cannot be');
    expect(check({ ipv4Address: '10.77.2.2' })).toThrow('not in 10.77.1.1/24');
    expect(
      check({ ipv6Address: 'fd42:77:1:1:0::2' }, [examplePort({ portId: 'other', ipv6Address: 'fd42:77:1:1::2' })]),
    ).toThrow('is that of web');
    expect(check({ ipv4Address: '10.77.1.2' }, [examplePort({ ipv4Address: '10.77.1.2' })])).not.toThrow();
  });

  it('are picked by the hardware address until all are taken', () => {
    const subnet = subnetOf('10.1.2.1/29');
    const used: string[] = [];
    for (let index = 0; index < 5; index++) used.push(pickAddress(subnet, '10:66:6a:00:00:01', used));
    expect(used.sort()).toEqual(['10.1.2.2', '10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.6']);
    expect(pickAddress(subnet, '10:66:6a:00:00:01', [])).toBe(pickAddress(subnet, '10:66:6a:00:00:01', []));
    expect(() => pickAddress(subnet, '10:66:6a:00:00:01', used)).toThrow('No address is free');
  });

  it('are of the family that they are for', () => {
    expect(() => checkNetworkSpec({ ...spec, ipv4: { ...spec.ipv4!, address: 'fd42::1/64' } })).toThrow(
      'not an ipv4 address',
    );
  });
});
