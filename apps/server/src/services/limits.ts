import type { Config, Devices } from '@stapes/contract/instance';
import { parseBits, parseBytes, parsePercent } from '@stapes/contract/units';
import type { Limits } from '@stapes/runtime/instances/driver';
import { isNotFalse } from './validate.ts';

export interface LimitContext {
  /** Memory of the host, for percentages. */
  hostMemoryBytes: number;
  /** Host end of a NIC by device name. */
  hostName(device: string): string | undefined;
  /** A host path on the device that a disk lies on. */
  backing(device: string): string | undefined;
}

/** Keys to typed limits. Pure; the registry has checked the values before. */
export function toLimits(config: Config, devices: Devices, context: LimitContext): Limits {
  const limits: Limits = { disk: [], nic: [] };
  cpuLimits(config, limits);
  memoryLimits(config, limits, context.hostMemoryBytes);
  const processes = Number(config['limits.processes']);
  if (config['limits.processes'] && Number.isSafeInteger(processes)) limits.processes = processes;
  for (const [name, device] of Object.entries(devices)) {
    if (device.type === 'disk') diskLimits(name, device, limits, context);
    if (device.type === 'nic') nicLimits(name, device, limits, context);
  }
  return limits;
}

function cpuLimits(config: Config, limits: Limits): void {
  const cpu = config['limits.cpu'];
  // A bare number is a count; `3-3` or `1,3` names CPUs.
  if (cpu) limits.cpu = /^\d+$/.test(cpu) ? { count: Number(cpu) } : { set: cpu };
  const allowance = config['limits.cpu.allowance'];
  if (allowance) {
    const hard = /^(\d+)ms\/(\d+)ms$/.exec(allowance);
    if (hard) limits.cpuAllowance = { quotaMs: Number(hard[1]), periodMs: Number(hard[2]) };
    else if (allowance.endsWith('%')) limits.cpuAllowance = { percent: Number(allowance.slice(0, -1)) };
  }
  if (config['limits.cpu.priority']) limits.cpuPriority = Number(config['limits.cpu.priority']);
}

function memoryLimits(config: Config, limits: Limits, hostBytes: number): void {
  const memory = config['limits.memory'];
  if (memory) {
    const share = parsePercent(memory);
    const bytes = share === null ? parseBytes(memory) : Math.floor(hostBytes * share);
    if (bytes !== null) limits.memoryBytes = bytes;
  }
  if (config['limits.memory.enforce'])
    limits.memoryEnforce = config['limits.memory.enforce'] === 'soft' ? 'soft' : 'hard';
  const swap = config['limits.memory.swap'];
  if (swap) {
    const bytes = /^(true|false|1|0|yes|no|on|off)$/i.test(swap) ? null : parseBytes(swap);
    limits.memorySwap = bytes === null ? isNotFalse(swap) : { bytes };
  }
}

function diskLimits(name: string, device: Record<string, string>, limits: Limits, context: LimitContext): void {
  const read = device['limits.read'] ?? device['limits.max'];
  const write = device['limits.write'] ?? device['limits.max'];
  const backing = context.backing(name);
  if ((!read && !write) || backing === undefined) return;
  const one: Limits['disk'][number] = { target: device.path ?? '/', backing };
  const set = (value: string | undefined, bps: 'readBps' | 'writeBps', iops: 'readIops' | 'writeIops') => {
    if (!value) return;
    const operations = /^(\d+)iops$/.exec(value);
    const bytes = operations ? null : parseBytes(value);
    if (operations) one[iops] = Number(operations[1]);
    else if (bytes !== null) one[bps] = bytes;
  };
  set(read, 'readBps', 'readIops');
  set(write, 'writeBps', 'writeIops');
  limits.disk.push(one);
}

function nicLimits(name: string, device: Record<string, string>, limits: Limits, context: LimitContext): void {
  const ingress = device['limits.ingress'] ?? device['limits.max'];
  const egress = device['limits.egress'] ?? device['limits.max'];
  const hostName = context.hostName(name);
  if ((!ingress && !egress) || hostName === undefined) return;
  const ingressBps = ingress ? parseBits(ingress) : null;
  const egressBps = egress ? parseBits(egress) : null;
  limits.nic.push({
    hostName,
    ...(ingressBps === null ? {} : { ingressBps }),
    ...(egressBps === null ? {} : { egressBps }),
  });
}

/** True when there is anything to apply. */
export function hasLimits(limits: Limits): boolean {
  return Object.keys(limits).length > 2 || limits.disk.length > 0 || limits.nic.length > 0;
}
