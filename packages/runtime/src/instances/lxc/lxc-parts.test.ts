import { mkdirSync, mkdtempSync, rmSync, symlinkSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { formatIpv6, parseAddress, parseLink } from '../../host/netlink.ts';
import { hasUntrustedMounts } from './guest-root.ts';
import { checkId, commandSocketName } from './lxc-paths.ts';
import { haltSignal } from './lxc-stop.ts';
import { cgroupUsage } from './lxc-usage.ts';
import { parseMessages } from './lxc-watch.ts';
import { resolveTarget } from './mount-targets.ts';
import { capabilityFor } from './shift.ts';

test('ids are minted ids', () => {
  expect(checkId('abcdefgh1234')).toBe('abcdefgh1234');
  for (const id of ['', 'short', '../../etc', 'UPPERCASE1', 'abcdefgh/..', `${'a'.repeat(27)}`])
    expect(() => checkId(id)).toThrow();
});

test("the name of a monitor's socket is written out, or hashed when too long", () => {
  expect(commandSocketName('/var/lib/stapes/instances', 'abcdefgh')).toBe('/var/lib/stapes/instances/abcdefgh/command');
  expect(commandSocketName(`/${'a'.repeat(100)}`, 'abcdefgh')).toMatch(/^lxc\/[0-9a-f]{16}\/command$/);
});

test('an init is asked in the way that it understands', () => {
  const status = (blocked: string, caught: string) =>
    `Name:\tinit\nSigBlk:\t${blocked}\nSigIgn:\t0000000000000000\nSigCgt:\t${caught}\n`;
  expect(haltSignal(status('7fefc1fe28014a03', '00000001000004ec'))).toBe(37); // systemd 252
  expect(haltSignal(status('0000000000000000', '0000000020004a02'))).toBe(30); // catches SIGPWR
  expect(haltSignal(status('0000000000000000', '0000000000004000'))).toBe(15);
  expect(haltSignal(status('0000000000000000', '0000000000000800'))).toBe(12); // SIGUSR2
  expect(haltSignal('')).toBe(30);
});

test('state messages are read however they are cut', () => {
  const message = (id: string, value: number, type = 0) => {
    const bytes = Buffer.alloc(264);
    bytes.writeInt32LE(type, 0);
    bytes.write(id, 4);
    bytes.writeInt32LE(value, 260);
    return bytes;
  };
  const all = Buffer.concat([message('abcdefgh', 2), message('abcdefgh', 0, 2), message('ijklmnop', 6)]);
  const first = parseMessages(all.subarray(0, 300));
  expect(first.messages).toEqual([{ id: 'abcdefgh', state: 'RUNNING' }]);
  expect(parseMessages(Buffer.concat([first.rest, all.subarray(300)])).messages).toEqual([
    { id: 'ijklmnop', state: 'FROZEN' },
  ]);
});

describe('netlink', () => {
  test('IPv6 addresses are written as RFC 5952 says', () => {
    const written = (hex: string) => formatIpv6(Buffer.from(hex, 'hex'));
    expect(written('00000000000000000000000000000001')).toBe('::1');
    expect(written('00000000000000000000000000000000')).toBe('::');
    expect(written('20010db8000000000001000000000001')).toBe('2001:db8::1:0:0:1');
    expect(written('fe800000000000000216 3efffe000001'.replace(' ', ''))).toBe('fe80::216:3eff:fe00:1');
    expect(written('20010db800010001000100010001 0000'.replace(' ', ''))).toBe('2001:db8:1:1:1:1:1:0');
  });
  test('cut messages are no interfaces', () => {
    expect(parseLink(Buffer.alloc(10))).toBeNull();
    expect(parseLink(Buffer.alloc(40))).toBeNull();
    expect(parseAddress(Buffer.alloc(3))).toBeNull();
  });
});

test('usage on v1 and v2', () => {
  const reader = (files: Record<string, string>) => ({
    read: (_controller: string, file: string) => files[file] ?? null,
  });
  const v1 = {
    'pids.current': '3\n',
    'memory.usage_in_bytes': '100\n',
    'memory.max_usage_in_bytes': '200',
    'memory.memsw.usage_in_bytes': '150',
    'memory.memsw.max_usage_in_bytes': '290',
    'memory.limit_in_bytes': '9223372036854771712',
    'cpuacct.usage': '77',
  };
  expect(cgroupUsage(reader(v1), {})).toEqual({
    processes: 3,
    network: {},
    cpuNs: 77,
    memoryBytes: 100,
    memoryPeakBytes: 200,
    memoryTotalBytes: 0,
    swapBytes: 50,
    swapPeakBytes: 90,
  });
  const v2 = {
    'pids.current': '3\n',
    'memory.current': '100',
    'memory.peak': '200',
    'memory.max': 'max\n',
    'memory.swap.current': '5',
    'cpu.stat': 'usage_usec 12\nuser_usec 6\n',
  };
  expect(cgroupUsage(reader(v2), {})).toEqual({
    processes: 3,
    network: {},
    cpuNs: 12_000,
    memoryBytes: 100,
    memoryPeakBytes: 200,
    memoryTotalBytes: 0,
    swapBytes: 5,
    swapPeakBytes: 0,
  });
  expect(cgroupUsage(reader({}), {})).toBeNull();
});

test('file systems that may never answer are known', () => {
  expect(hasUntrustedMounts('1 2 0:5 / / rw - ext4 /dev/vda rw\n3 1 0:9 / /run rw - tmpfs tmpfs rw\n')).toBe(false);
  expect(hasUntrustedMounts('3 1 0:99 / /x rw - fuse.evil evil rw\n')).toBe(true);
  expect(hasUntrustedMounts('3 1 0:99 / /sys/fs/fuse/connections rw - fusectl fusectl rw\n')).toBe(false);
  expect(hasUntrustedMounts('3 1 0:99 / /x rw - nfs4 host:/ rw\n')).toBe(true);
});

test('file capabilities follow the root of a user namespace, and back', () => {
  const host = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  const inside = capabilityFor(host, 1_000_000);
  expect(inside.readUInt32LE(0)).toBe(0x03000001);
  expect(inside.readUInt32LE(20)).toBe(1_000_000);
  expect(capabilityFor(inside, 0)).toEqual(host);
});

describe('mount targets', () => {
  const base = mkdtempSync(join(tmpdir(), 'stapes-mounts-'));
  const root = join(base, 'rootfs');
  mkdirSync(join(root, 'run'), { recursive: true });
  mkdirSync(join(base, 'victim'));
  symlinkSync(join(base, 'victim'), join(root, 'out'));
  symlinkSync('../../../../../..', join(root, 'up'));
  symlinkSync('run', join(root, 'inner'));
  afterAll(() => rmSync(base, { recursive: true }));

  test('are made beneath the root, and links of the guest cannot lead out', () => {
    expect(resolveTarget(root, '/a/b/c', false)).toBe('/a/b/c');
    expect(resolveTarget(root, '/a/file', true)).toBe('/a/file');
    expect(resolveTarget(root, '/inner/x', false)).toBe('/run/x');
    expect(resolveTarget(root, '/dev/anything', true)).toBe('/dev/anything');
    expect(resolveTarget(root, '/up/new', false)).toBe('/new');
    expect(() => resolveTarget(root, '/out/new', false)).toThrow(/cannot be created/);
    expect(existsSync(join(base, 'victim/new'))).toBe(false);
    expect(() => resolveTarget(root, '/a/..', false)).toThrow(/whole root/);
  });
});
