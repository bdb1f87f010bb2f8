import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfigKey, ConfigScope } from './declare.ts';
import {
  checkConfig,
  checkDevice,
  checkDevices,
  checkValue,
  configKeys,
  documentKeys,
  findKey,
  keysOf,
} from './registry.ts';

const messages = (scope: ConfigScope, config: Record<string, string>, options = {}) =>
  checkConfig(scope, config, options).map(({ key, message }) => `${key}: ${message}`);
const isFine = (scope: ConfigScope, key: string, value: string) => checkConfig(scope, { [key]: value }).length === 0;
const multiline = (key: ConfigKey) => key.type.kind === 'string' && key.type.multiline === true;

describe('the registry', () => {
  it('declares each key once, and describes it in one sentence', () => {
    const names = configKeys.map((key) => `${key.scope} ${key.key}`);
    expect(new Set(names).size).toBe(names.length);
    for (const key of configKeys) {
      expect(key.short, key.key).toMatch(/^[A-Z].*[.]$/);
      expect(key.short, key.key).not.toContain('\n');
    }
  });

  it('finds exact keys before wildcards, and nothing for other names', () => {
    expect(findKey('instance', 'limits.cpu')?.key).toBe('limits.cpu');
    expect(findKey('instance', 'user.a.b')?.key).toBe('user.*');
    expect(findKey('instance', 'volatile.eth0.hwaddr')?.readOnly).toBe(true);
    for (const key of ['user.', 'user', 'user.*', 'limits', '', '__proto__', 'constructor', 'toString', 'Limits.cpu'])
      expect(findKey('instance', key), key).toBeNull();
    expect(findKey('server', 'limits.cpu')).toBeNull();
    expect(keysOf('device-none')).toEqual([]);
  });

  it('refuses keys that are not ours', () => {
    expect(messages('instance', { 'raw.lxc': 'x', 'migration.stateful': 'true' })).toEqual([
      'raw.lxc: unknown configuration key',
      'migration.stateful: unknown configuration key',
    ]);
    const parsed = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>;
    expect(messages('instance', parsed)).toEqual([
      '__proto__: unknown configuration key',
      'constructor: unknown configuration key',
    ]);
  });

  it('lets nobody but the server set what is its own', () => {
    expect(messages('instance', { 'volatile.uuid': 'x' })).toHaveLength(1);
    expect(messages('instance', { 'volatile.uuid': 'x' }, { allowReadOnly: true })).toEqual([]);
    expect(messages('server', { 'core.https_address': ':8443' })).toHaveLength(1);
  });

  it('takes keys of containers for containers only', () => {
    const config = { 'security.privileged': 'true' };
    expect(messages('instance', config, { instanceType: 'virtual-machine' })).toHaveLength(1);
    expect(messages('instance', config, { instanceType: 'container' })).toEqual([]);
    expect(messages('instance', config)).toEqual([]);
  });

  it('takes empty values, which unset a key', () => {
    for (const key of configKeys) expect(checkValue(key, ''), key.key).toBeNull();
  });

  const cases: [ConfigScope, string, string[], string[]][] = [
    ['instance', 'boot.autostart', ['true', 'false', '1', 'no', 'On'], ['maybe', 'true ', '2']],
    ['instance', 'boot.autostart.delay', ['0', '30'], ['-1', '1.5', 'x', '1e3', '0x1']],
    ['instance', 'limits.cpu', ['1', '16', '0-3', '1,3', '0-1,4-5', '2-2'], ['0', '-1', '3-1', '1,,2', 'all', '1-']],
    [
      'instance',
      'limits.cpu.allowance',
      ['50%', '100%', '25ms/100ms', '200ms/100ms'],
      ['0%', '101%', '50', '25ms', '0ms/100ms'],
    ],
    ['instance', 'limits.cpu.priority', ['0', '10'], ['11', '-1']],
    ['instance', 'limits.memory', ['512MiB', '1GB', '50%', '1073741824'], ['0%', '101%', 'lots', '1.5GiB', '-1']],
    ['instance', 'limits.memory.enforce', ['hard', 'soft'], ['firm', 'Hard']],
    ['instance', 'limits.memory.swap', ['true', 'false', '1GiB'], ['maybe', '50%']],
    ['instance', 'limits.processes', ['1', '500'], ['0', 'x']],
    ['instance', 'security.idmap.base', ['0', '100000'], ['-1', '4294967295']],
    [
      'instance',
      'snapshots.schedule',
      ['0 6 * * *', '*/15 * * * 1-5', '@daily', '@hourly, @startup'],
      ['60 * * * *', '* * * *', '@often', '5-1 * * * *', '*/0 * * * *'],
    ],
    ['instance', 'snapshots.expiry', ['2w', '1d 12H', '1M 2H 3d 4w 5m 6y'], ['soon', '0d', '2W']],
    [
      'instance',
      'snapshots.pattern',
      ['snap%d', "auto-{{ creation_date|date:'2006-01-02' }}", '{{creation_date}}'],
      ['{% include "/etc/passwd" %}', '{{ config }}', 'a/b', '%d%d', '../x'],
    ],
    ['instance', 'environment.PATH', ['/bin:/usr/bin'], ['a\nlxc.hook.start = /x', 'a\rb', 'a\u0000b', 'a\u2028b']],
    ['instance', 'user.notes', ['one\ntwo\ttab'], ['a\u0000b', 'a\u001bb']],
    ['instance', 'cloud-init.user-data', ['#cloud-config\npackages: [vim]\n'], ['a\u0000']],
    [
      'instance',
      'cloud-init.ssh-keys.mine',
      ['root:ssh-ed25519 AAAAC3Nz me@here', 'root:gh:someone'],
      ['ssh-ed25519 AAAA', 'root:x', 'root:ssh-ed25519 AAAA\nx'],
    ],
    [
      'network-bridge',
      'ipv4.address',
      ['10.1.2.1/24', 'auto', 'none', '192.168.0.254/24'],
      [
        '10.1.2.0/24',
        '10.1.2.255/24',
        '10.1.2.1',
        '10.1.2.1/31',
        '10.1.2.1/4',
        '256.1.1.1/24',
        '127.0.0.1/8',
        '224.0.0.5/8',
        '010.1.2.1/24',
      ],
    ],
    [
      'network-bridge',
      'ipv6.address',
      ['fd42:1:2:3::1/64', 'auto', 'none'],
      ['fd42::/64', 'fe80::1/64', 'ff02::1/64', 'fd42:::1/64', 'fd42::1', '::1/64', 'fd42::1/130'],
    ],
    [
      'network-bridge',
      'ipv4.dhcp.ranges',
      ['10.1.2.10-10.1.2.99', '10.1.2.3-10.1.2.4, 10.1.2.8-10.1.2.9'],
      ['10.1.2.99-10.1.2.10', '10.1.2.1', 'a-b'],
    ],
    ['network-bridge', 'ipv4.dhcp.expiry', ['1h', '30m', 'infinite', '3600'], ['0', 'never', '1y']],
    ['network-bridge', 'dns.domain', ['lan', 'lab.example'], ['-x', 'a..b', 'a b', 'a\nb', '.']],
    ['network-bridge', 'bridge.mtu', ['1280', '9000'], ['1279', '65536']],
    ['storage-btrfs', 'size', ['10GiB'], ['10%', 'big']],
    ['storage-dir', 'source', ['/srv/pool'], ['srv', '/a/../b', '/a//b']],
  ];
  it.each(cases)('%s %s', (scope, key, good, bad) => {
    for (const value of good) expect(isFine(scope, key, value), `${key}=${value}`).toBe(true);
    for (const value of bad) expect(isFine(scope, key, value), `${key}=${value}`).toBe(false);
  });

  it('wants names of variables after environment.', () => {
    for (const key of ['environment.A=B', 'environment.a b', 'environment.1A', 'environment.A\nB'])
      expect(isFine('instance', key, 'x'), key).toBe(false);
  });

  it('never takes a control character where it has no business', () => {
    const control = fc.constantFrom('\u0000', '\n', '\r', '\u001b', '\u007f', '\u0085', '\u2028', '\u2029');
    fc.assert(
      fc.property(fc.constantFrom(...configKeys), fc.string(), control, fc.string(), (key, before, mark, after) => {
        const allowed = multiline(key) && (mark === '\n' || mark === '\r');
        if (!allowed) expect(checkValue(key, before + mark + after)).not.toBeNull();
      }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom('user.', 'environment.', 'image.', ''),
        fc.string(),
        control,
        (prefix, name, mark) => {
          expect(checkConfig('instance', { [prefix + name + mark]: 'x' })).toHaveLength(1);
        },
      ),
    );
  });

  it('answers for any key and value without throwing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...configKeys), fc.string({ unit: 'binary' }), (key, value) => {
        const problem = checkValue(key, value);
        expect(problem === null || problem.length > 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), (key, value) => {
        expect(checkConfig('instance', { [`a${key}`]: value })).toHaveLength(1);
      }),
    );
  });
});

describe('devices', () => {
  const root = { type: 'disk', path: '/', pool: 'default' };
  const nic = { type: 'nic', network: 'br0' };
  const keys = (device: Record<string, string>) => checkDevice(device).map((problem) => problem.key);

  it('takes what belongs together', () => {
    for (const device of [
      root,
      { ...root, size: '10GiB', 'limits.max': '10MiB' },
      { type: 'disk', path: '/mnt', source: '/srv', readonly: 'true' },
      nic,
      {
        ...nic,
        'ipv4.address': '10.1.2.3',
        'security.mac_filtering': 'true',
        hwaddr: '10:66:6a:00:00:01',
        name: 'eth0',
      },
      { type: 'nic', nictype: 'bridged', parent: 'br0', 'limits.ingress': '10Mbit' },
      { type: 'none' },
    ])
      expect(checkDevice(device), JSON.stringify(device)).toEqual([]);
  });

  it('names the key that is wrong', () => {
    expect(keys({ path: '/' })).toEqual(['type']);
    expect(checkDevice({ type: 'gpu' })[0]?.message).toContain('disk, nic, none');
    expect(keys(JSON.parse('{"__proto__":{"type":"disk"}}') as Record<string, string>)).toEqual(['type']);
    expect(keys({ type: 'none', path: '/' })).toEqual(['path']);
    expect(keys({ type: 'disk' })).toEqual(['path']);
    expect(keys({ type: 'disk', path: '/' })).toEqual(['pool']);
    expect(keys({ ...root, source: '/srv' })).toEqual(['source']);
    expect(keys({ type: 'disk', path: '/mnt' })).toEqual(['source']);
    expect(keys({ type: 'disk', path: '/mnt', source: '../x' })).toEqual(['source']);
    expect(keys({ type: 'disk', path: '/mnt', source: '/srv', recursive: 'true', readonly: 'true' })).toEqual([
      'recursive',
    ]);
    expect(keys({ ...root, 'raw.mount.options': 'exec' })).toEqual(['raw.mount.options']);
    expect(keys({ ...root, 'limits.read': '1MiB', 'limits.max': '1MiB' })).toEqual(['limits.read']);
    expect(keys({ type: 'nic' })).toEqual(['network']);
    expect(keys({ type: 'nic', nictype: 'bridged' })).toEqual(['parent']);
    expect(keys({ type: 'nic', nictype: 'macvlan', parent: 'eth0' })).toEqual(['nictype']);
    expect(keys({ ...nic, parent: 'br0' })).toEqual(['parent']);
    expect(keys({ ...nic, hwaddr: '01:00:00:00:00:01' })).toEqual(['hwaddr']);
    expect(keys({ ...nic, hwaddr: '00:00:00:00:00:00' })).toEqual(['hwaddr']);
    expect(keys({ ...nic, name: 'a/b' })).toEqual(['name']);
    expect(keys({ ...nic, name: 'sixteen-letters-' })).toEqual(['name']);
    expect(keys({ ...nic, 'ipv4.address': '10.1.2.3\nx' })).toEqual(['ipv4.address']);
    expect(checkDevices({ root, eth0: { type: 'nic' } })).toEqual([
      expect.objectContaining({ device: 'eth0', key: 'network' }),
    ]);
  });
});

describe('the answer for clients', () => {
  it('nests entity, group and keys', () => {
    const { configs } = documentKeys();
    const boot = configs['instance']?.['boot']?.keys.find((entry) => Object.hasOwn(entry, 'boot.autostart'));
    expect(boot?.['boot.autostart']).toMatchObject({ type: 'bool', liveupdate: 'yes' });
    expect(Object.keys(configs)).toEqual([
      'instance',
      'devices',
      'network_bridge',
      'storage_dir',
      'storage_btrfs',
      'server',
    ]);
    expect(Object.keys(configs['devices'] ?? {})).toEqual(['disk', 'nic_bridged']);
    const count = Object.values(configs).flatMap((groups) =>
      Object.values(groups).flatMap((group) => group.keys),
    ).length;
    expect(count).toBe(configKeys.length);
  });
});
