import { describe, expect, test } from 'vitest';
import { hasLimits, toLimits, type LimitContext } from './limits.ts';

const context: LimitContext = {
  hostMemoryBytes: 8 * 1024 ** 3,
  hostName: (device) => `host-${device}`,
  backing: (device) => `/backing/${device}`,
};
const of = (config: Record<string, string>, devices = {}) => toLimits(config, devices, context);

describe('keys become typed limits', () => {
  test('nothing set limits nothing', () => {
    expect(of({})).toEqual({ disk: [], nic: [] });
    expect(hasLimits(of({}))).toBe(false);
  });
  test.each([
    ['4', { count: 4 }],
    ['3-3', { set: '3-3' }],
    ['0-1,3', { set: '0-1,3' }],
  ])('limits.cpu %s', (value, cpu) => expect(of({ 'limits.cpu': value }).cpu).toEqual(cpu));
  test('allowance is a share or a quota', () => {
    expect(of({ 'limits.cpu.allowance': '50%' }).cpuAllowance).toEqual({ percent: 50 });
    expect(of({ 'limits.cpu.allowance': '25ms/100ms' }).cpuAllowance).toEqual({ quotaMs: 25, periodMs: 100 });
  });
  test('memory in bytes or as a share of the host', () => {
    expect(of({ 'limits.memory': '512MiB' }).memoryBytes).toBe(512 * 1024 ** 2);
    expect(of({ 'limits.memory': '25%' }).memoryBytes).toBe(2 * 1024 ** 3);
    expect(of({ 'limits.memory.enforce': 'soft' }).memoryEnforce).toBe('soft');
  });
  test('swap is yes, no or a size', () => {
    expect(of({ 'limits.memory.swap': 'false' }).memorySwap).toBe(false);
    expect(of({ 'limits.memory.swap': 'yes' }).memorySwap).toBe(true);
    expect(of({ 'limits.memory.swap': '1GiB' }).memorySwap).toEqual({ bytes: 1024 ** 3 });
  });
  test('disk limits in bytes or operations, on the device behind it', () => {
    const devices = {
      root: { type: 'disk', path: '/', pool: 'default', 'limits.read': '10MiB', 'limits.write': '500iops' },
      data: { type: 'disk', path: '/data', source: '/srv', 'limits.max': '100iops' },
      free: { type: 'disk', path: '/free', source: '/srv' },
    };
    expect(of({}, devices).disk).toEqual([
      { target: '/', backing: '/backing/root', readBps: 10 * 1024 ** 2, writeIops: 500 },
      { target: '/data', backing: '/backing/data', readIops: 100, writeIops: 100 },
    ]);
  });
  test('NIC limits are bits per second on the host end', () => {
    const devices = { eth0: { type: 'nic', network: 'n', 'limits.ingress': '100Mbit' } };
    expect(of({}, devices).nic).toEqual([{ hostName: 'host-eth0', ingressBps: 100_000_000 }]);
    expect(hasLimits(of({}, devices))).toBe(true);
  });
});
