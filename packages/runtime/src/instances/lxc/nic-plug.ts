import { existsSync } from 'node:fs';
import { DomainError } from '@stapes/contract/errors';
import { setLinkUp } from '../../host/netlink.ts';
import { run } from '../../host/run.ts';
import type { Limits, NicSpec } from '../driver.ts';
import { applyNicLimits, removeNicLimits } from './nic-limits.ts';

/** Makes a veth whose one end is born in the network namespace of an instance, under its own name and hardware address, and brings both up. */
export async function plugNic(
  namespaceFd: number,
  nic: NicSpec,
  limit: Limits['nic'][number] | undefined,
): Promise<void> {
  const mtu = nic.mtu === undefined ? [] : ['mtu', String(nic.mtu)];
  const hwaddr = checkedAddress(nic.hwaddr);
  const host = ['link', 'add', 'name', checkedName(nic.hostName), 'address', `fe${hwaddr.slice(2)}`, ...mtu];
  // Not by a pid, which may be another's by then.
  const place = ['netns', `/proc/${process.pid}/fd/${namespaceFd}`];
  const inside = ['peer', 'name', checkedName(nic.name), 'address', hwaddr, ...mtu, ...place];
  try {
    await run('ip', [...host, 'type', 'veth', ...inside]);
  } catch (cause) {
    if (!/File exists/.test((cause as Error).message)) throw cause;
    throw new DomainError('in-use', `The instance has an interface ${nic.name} of its own already`, { cause });
  }
  try {
    // Limited before it leads anywhere.
    if (limit) await applyNicLimits([limit]);
    const master = nic.bridge === '' ? [] : ['master', checkedName(nic.bridge)];
    await run('ip', ['link', 'set', 'dev', nic.hostName, ...master, 'up']);
    setLinkUp(namespaceFd, nic.name);
  } catch (error) {
    await unplugNic(nic.hostName);
    throw error;
  }
}

/** Absent is fine. The end inside goes with it, wherever it is. */
export async function unplugNic(hostName: string): Promise<void> {
  await removeNicLimits(checkedName(hostName));
  if (!existsSync(`/sys/class/net/${hostName}`)) return;
  try {
    await run('ip', ['link', 'delete', 'dev', hostName, 'type', 'veth']);
  } catch (error) {
    if (existsSync(`/sys/class/net/${hostName}`)) throw error;
  }
}

function checkedName(name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name))
    throw new DomainError('invalid', `${JSON.stringify(name)} is no name of a network interface`);
  return name;
}

function checkedAddress(address: string): string {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(address))
    throw new DomainError('invalid', `${JSON.stringify(address)} is no hardware address`);
  return address;
}
