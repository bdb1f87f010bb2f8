import { describe, expect, test } from 'vitest';
import { pendingKeys } from './effective-change.ts';
import { withVolatile } from './machine.ts';
import { canonicalJson, etagOf, requireMatch } from './etag.ts';
import { expand, rootDisk, withoutVolatile } from './expand.ts';
import { parseMeminfo } from './resources/memory-resources.ts';
import { findAccount, parseAccounts } from './passwd.ts';
import { inSubnet } from './references.ts';
import { nextSnapshotName, parseExpiry } from './snapshots.ts';
import { pointBetween } from './usage-sampler.ts';

describe('effective configuration', () => {
  const first = { config: { a: '1', b: '1' }, devices: { eth0: { type: 'nic', network: 'x', mtu: '9000' } } };
  const second = { config: { b: '2' }, devices: { root: { type: 'disk', path: '/', pool: 'p' } } };
  test('the right profile wins, the instance wins over all', () => {
    expect(expand([first, second], { config: { b: '3', c: '3' }, devices: {} }).config).toEqual({
      a: '1',
      b: '3',
      c: '3',
    });
  });
  test('devices are replaced whole, and none masks', () => {
    const own = { config: {}, devices: { eth0: { type: 'none' } } };
    expect(expand([first], { config: {}, devices: { eth0: { type: 'nic', network: 'y' } } }).devices['eth0']).toEqual({
      type: 'nic',
      network: 'y',
    });
    expect(expand([first, second], own).devices['eth0']).toEqual({ type: 'none' });
    expect(rootDisk(expand([second], own).devices)?.name).toBe('root');
  });
  test('a copy keeps the image that it came from and nothing else volatile', () => {
    expect(withoutVolatile({ 'volatile.base_image': 'f', 'volatile.uuid': 'u', 'user.x': '1' })).toEqual({
      'volatile.base_image': 'f',
      'user.x': '1',
    });
  });
});

describe('keys that wait for a restart', () => {
  const layer = (config: Record<string, string>, devices = {}) => ({ config, devices });
  test('live keys do not wait', () => {
    expect(
      pendingKeys(layer({}), layer({ 'limits.memory': '1GiB', 'user.x': 'y', 'volatile.uuid': 'u' }), true),
    ).toEqual([]);
  });
  test('others do, devices that come and go included', () => {
    const after = layer({ 'security.nesting': 'true' }, { eth1: { type: 'nic', network: 'n' } });
    expect(pendingKeys(layer({}), after, false)).toEqual(['security.nesting', 'devices.eth1']);
    expect(pendingKeys(layer({}), after, true)).toEqual(['security.nesting']);
    const nic = (change: object) => layer({}, { eth0: { type: 'nic', network: 'n', ...change } });
    const changed = nic({ mtu: '1400', 'limits.ingress': '1Mbit' });
    expect(pendingKeys(nic({}), changed, false)).toEqual(['devices.eth0.mtu']);
    expect(pendingKeys(nic({}), changed, true)).toEqual([]);
  });
  test('disks are plugged, too, but not the root disk nor what is no disk', () => {
    const devices = { data: { type: 'disk', source: '/srv', path: '/srv' }, tty: { type: 'unix-char' } };
    expect(pendingKeys(layer({}), layer({}, devices), true)).toEqual(['devices.tty']);
    expect(pendingKeys(layer({}), layer({}, { data: { type: 'disk', path: '/', pool: 'p' } }), true)).toEqual([
      'devices.data',
    ]);
    expect(pendingKeys(layer({}, devices), layer({}, { tty: { type: 'disk', path: '/a' } }), true)).toEqual([
      'devices.tty',
    ]);
  });
  test('interface names stay with those who have them', () => {
    const nic = { type: 'nic', network: 'n' };
    const first = withVolatile({}, { net1: nic });
    expect(first['volatile.net1.name']).toBe('eth0');
    const both = withVolatile(first, { a0: nic, net1: nic, z0: { ...nic, name: 'eth1' } });
    expect([both['volatile.a0.name'], both['volatile.net1.name'], both['volatile.z0.name']]).toEqual([
      'eth2',
      'eth0',
      undefined,
    ]);
    expect(withVolatile(both, { a0: nic, net1: nic, z0: { ...nic, name: 'eth1' } })).toBe(both);
    const without = withVolatile(both, { a0: nic });
    expect([without['volatile.a0.name'], without['volatile.net1.name']]).toEqual(['eth2', undefined]);
  });
});

describe('tags', () => {
  test('do not depend on the order of keys', () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    expect(etagOf({ a: 1, b: 2 })).toBe(etagOf({ b: 2, a: 1 }));
    expect(etagOf({ a: 1 })).not.toBe(etagOf({ a: 2 }));
  });
  test('a stale one is refused, none and any are fine', () => {
    const now = etagOf({ a: 1 });
    for (const fine of [undefined, '', '*', now, now.replaceAll('"', ''), `W/${now}`])
      expect(() => requireMatch(fine, now)).not.toThrow();
    expect(() => requireMatch(etagOf({ a: 2 }), now)).toThrow(expect.objectContaining({ code: 'precondition' }));
  });
});

describe('snapshots', () => {
  test('are numbered from the first that is free', () => {
    expect(nextSnapshotName('snap%d', new Set(['snap0', 'snap2']))).toBe('snap1');
    expect(nextSnapshotName('daily', new Set())).toBe('daily');
    expect(nextSnapshotName('daily', new Set(['daily']))).toBe('daily-0');
  });
  test('never expire in several spellings', () => {
    for (const never of [undefined, null, '', '0001-01-01T00:00:00Z']) expect(parseExpiry(never)).toBeNull();
    expect(parseExpiry('2030-01-31T12:00:00Z')).toBe(Date.UTC(2030, 0, 31, 12));
    expect(() => parseExpiry('soon')).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});

describe('addresses', () => {
  test.each([
    ['10.1.2.3', '10.1.2.1/24', true],
    ['10.1.3.3', '10.1.2.1/24', false],
    ['10.1.2.3', 'fd42::1/64', false],
    ['fd42::10', 'fd42::1/64', true],
    ['fd42:0:0:1::10', 'fd42::1/64', false],
    ['fd42:1:2:3:4:5:6:7', 'fd42:1:2:3::1/64', true],
    ['nonsense', '10.1.2.1/24', false],
  ])('%s in %s is %s', (address, network, inside) => expect(inSubnet(address, network)).toBe(inside));
});

describe('accounts', () => {
  test('odd lines of a guest are passed over', () => {
    const accounts = parseAccounts(
      'root:x:0:0:root:/root:/bin/bash\nbad\nevil:x:NaN:0::/:/bin/sh\nrel:x:5:5::home:sh\n',
    );
    expect(accounts.map(({ name }) => name)).toEqual(['root', 'rel']);
    expect(findAccount(accounts, 'rel')).toMatchObject({ home: '/', shell: '/bin/sh' });
    expect(findAccount(accounts, 'nobody')).toBeNull();
    expect(findAccount([], 'root')).toMatchObject({ uid: 0, home: '/root' });
  });
});

describe('usage', () => {
  const memory = { memoryBytes: 5, memoryTotalBytes: 10 };
  test('rates come from two readings', () => {
    const before = { atMs: 1000, cpuNs: 0, rx: 100, tx: 0 };
    const now = { atMs: 3000, cpuNs: 1e9, rx: 2100, tx: 4000 };
    expect(pointBetween(before, now, memory)).toEqual({
      t: 3000,
      cpu: 0.5,
      memory: 5,
      memoryTotal: 10,
      rx: 1000,
      tx: 2000,
    });
  });
  test('counters that went back do not make negative rates', () => {
    expect(
      pointBetween({ atMs: 0, cpuNs: 9e9, rx: 9, tx: 9 }, { atMs: 1000, cpuNs: 0, rx: 0, tx: 0 }, memory),
    ).toMatchObject({ cpu: 0, rx: 0, tx: 0 });
    expect(pointBetween(undefined, { atMs: 1000, cpuNs: 5, rx: 5, tx: 5 }, memory)).toMatchObject({ cpu: 0, rx: 0 });
  });
  test('meminfo is in bytes', () => {
    expect(parseMeminfo('MemTotal:  16 kB\nHugePages_Total:   3\n')).toEqual(
      new Map([
        ['MemTotal', 16384],
        ['HugePages_Total', 3],
      ]),
    );
  });
});
