import { expect, it } from 'vitest';
import { parseInterfaces } from './host-interfaces.ts';

it('reads what ip says of links, addresses and counters', () => {
  const text = JSON.stringify([
    {
      ifname: 'lo',
      flags: ['LOOPBACK', 'UP'],
      mtu: 65536,
      link_type: 'loopback',
      address: '00:00:00:00:00:00',
      addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host' }],
    },
    {},
    {
      ifname: 'br0',
      flags: ['BROADCAST', 'UP'],
      mtu: 1500,
      link_type: 'ether',
      address: '02:00:00:00:00:01',
      linkinfo: { info_kind: 'bridge' },
      stats64: { rx: { bytes: 5, dropped: 1 }, tx: { packets: 2 } },
    },
    { ifname: 'eth0', flags: ['BROADCAST'], link_type: 'ether', master: 'br0' },
  ]);
  const [lo, bridge, eth, ...rest] = parseInterfaces(text);
  expect(rest).toEqual([]);
  expect(lo).toMatchObject({
    name: 'lo',
    type: 'loopback',
    state: { type: 'loopback', addresses: [{ family: 'inet', address: '127.0.0.1', netmask: '8', scope: 'local' }] },
  });
  expect(bridge).toMatchObject({
    name: 'br0',
    type: 'bridge',
    master: null,
    state: { state: 'up', counters: { bytes_received: 5, packets_dropped_inbound: 1, packets_sent: 2 } },
  });
  expect(eth).toMatchObject({ name: 'eth0', type: 'physical', master: 'br0', state: { state: 'down', mtu: 0 } });
  expect(parseInterfaces('')).toEqual([]);
});
