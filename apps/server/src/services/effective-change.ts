import { findKey } from '@stapes/contract/config-keys/registry';
import type { ConfigScope } from '@stapes/contract/config-keys/declare';
import { parseBytes } from '@stapes/contract/units';
import type { HotplugRefusal } from '@stapes/runtime/instances/driver';
import type { InstanceRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { rootDisk, type Layer } from './expand.ts';
import { machineOf, withVolatile } from './machine.ts';
import { withIdmap } from './idmaps.ts';

function changedKeys(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key]);
}

/** Keys of a running instance that only take effect at its next start: `security.nesting`, `devices.gpu0`. Disks and NICs are plugged where the driver can. */
export function pendingKeys(before: Layer, after: Layer, canPlug: boolean): string[] {
  const pending = changedKeys(before.config, after.config).filter(
    (key) => !key.startsWith('volatile.') && !(findKey('instance', key)?.live ?? false),
  );
  for (const name of new Set([...Object.keys(before.devices), ...Object.keys(after.devices)])) {
    const old = before.devices[name];
    const now = after.devices[name];
    const waits = (device: Device | undefined) =>
      device !== undefined && device.type !== 'none' && !(canPlug && isPlugged(device));
    if (!old || !now || old.type !== now.type) {
      const isUnplugged = !now && old?.type === 'nic';
      if ((waits(old) || waits(now)) && !isUnplugged) pending.push(`devices.${name}`);
      continue;
    }
    if (canPlug && isPlugged(now)) continue;
    const scope = `device-${now.type ?? 'none'}` as ConfigScope;
    for (const key of changedKeys(old, now))
      if (!(findKey(scope, key)?.live ?? false)) pending.push(`devices.${name}.${key}`);
  }
  return pending;
}

type Device = Record<string, string>;

function isPlugged(device: Device): boolean {
  return device.type === 'nic' || (device.type === 'disk' && device.path !== '/');
}

export interface Pending {
  /** Keys that wait for the next start. */
  keys: string[];
  /** Why devices among them could not be plugged in or out now. */
  warnings: string[];
}

/**
 * Brings the host in line with a changed configuration: ports, disks, NICs, quota and limits at once, the rest at the next start. The row is stored
 * before; a crash here is mended by the next change or start, which does the same again.
 */
export async function effectiveChange(deps: BaseDeps, row: InstanceRow, before: Layer, after: Layer): Promise<Pending> {
  const driver = deps.runtime.instances.container;
  const { status } = await driver.inspect({ id: row.id });
  const running = status !== 'Stopped' && status !== 'Error';
  const settled = await deps.live.exclusive('idmap', async () => {
    // Those that it has keep their names when others come.
    const named = withVolatile(withVolatile(row.config, before.devices), after.devices);
    const config = await withIdmap(deps, row.id, named, after.config);
    return deps.store.instances.update(row.id, { config });
  });
  const machine = await machineOf(deps, settled, { effective: after });
  await applyQuota(machine, before, after);
  await removeOldPorts(
    deps,
    settled,
    before,
    machine.ports.map((port) => placeOf(port)),
  );
  for (const port of machine.ports) await deps.runtime.networks.bridge.ensurePort(port);
  if (!running) {
    await driver.ensureConfigured(machine.spec);
    return { keys: [], warnings: [] };
  }
  const plugged = driver.can.hotplug ? await driver.can.hotplug.change(machine.spec) : null;
  await driver.can.limits?.apply(machine.spec.ref, machine.spec.limits);
  const refused = (plugged ?? []).map((refusal) => ({ key: keyOf(refusal, before, after), reason: refusal.reason }));
  return {
    keys: [...new Set([...pendingKeys(before, after, plugged !== null), ...refused.map(({ key }) => key)])],
    warnings: refused.map(({ key, reason }) => `${key}: ${reason}`),
  };
}

function keyOf({ kind, subject }: HotplugRefusal, before: Layer, after: Layer): string {
  if (kind === 'nic') return `devices.${subject}`;
  const named = [...Object.entries(after.devices), ...Object.entries(before.devices)];
  const found = named.find(([, device]) => device.type === 'disk' && device.path === subject);
  return `devices.${found?.[0] ?? subject}`;
}

async function applyQuota(machine: Awaited<ReturnType<typeof machineOf>>, before: Layer, after: Layer): Promise<void> {
  const size = rootDisk(after.devices)?.device.size;
  if (rootDisk(before.devices)?.device.size === size || !machine.storage.can.quota) return;
  await machine.storage.volumes.setQuota(
    { pool: machine.pool, id: machine.row.volumeId },
    size ? parseBytes(size) : null,
  );
}

async function removeOldPorts(deps: BaseDeps, row: InstanceRow, before: Layer, keep: string[]): Promise<void> {
  const { ports } = await machineOf(deps, row, { effective: before }).catch(() => ({ ports: [] }));
  for (const port of ports) if (!keep.includes(placeOf(port))) await deps.runtime.networks.bridge.removePort(port);
}

/** A NIC that moves to another network keeps its id; its port in the old one goes. */
const placeOf = (port: { network: { id: string }; portId: string }) => `${port.network.id}/${port.portId}`;
