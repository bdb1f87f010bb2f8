import { findKey } from '@stapes/contract/config-keys/registry';
import type { ConfigScope } from '@stapes/contract/config-keys/declare';
import { parseBytes } from '@stapes/contract/units';
import type { InstanceRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { rootDisk, type Layer } from './expand.ts';
import { machineOf, withVolatile } from './machine.ts';
import { withIdmap } from './idmaps.ts';

function changedKeys(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key]);
}

/** Keys of a running instance that only take effect at its next start: `security.nesting`, `devices.eth1`. */
export function pendingKeys(before: Layer, after: Layer): string[] {
  const pending = changedKeys(before.config, after.config).filter(
    (key) => !key.startsWith('volatile.') && !(findKey('instance', key)?.live ?? false),
  );
  for (const name of new Set([...Object.keys(before.devices), ...Object.keys(after.devices)])) {
    const old = before.devices[name];
    const now = after.devices[name];
    if (!old || !now || old.type !== now.type) {
      const isUnplugged = !now && old?.type === 'nic';
      if ((now ?? old)?.type !== 'none' && !isUnplugged) pending.push(`devices.${name}`);
      continue;
    }
    const scope = `device-${now.type ?? 'none'}` as ConfigScope;
    for (const key of changedKeys(old, now))
      if (!(findKey(scope, key)?.live ?? false)) pending.push(`devices.${name}.${key}`);
  }
  return pending;
}

/**
 * Brings the host in line with a changed configuration: ports (one that is taken away is unplugged), quota and limits at once, the rest at the next start. Returns the keys that
 * wait for it. The row is stored before; a crash here is mended by the next start, which does the same again.
 */
export async function effectiveChange(
  deps: BaseDeps,
  row: InstanceRow,
  before: Layer,
  after: Layer,
): Promise<string[]> {
  const driver = deps.runtime.instances.container;
  const { status } = await driver.inspect({ id: row.id });
  const running = status !== 'Stopped' && status !== 'Error';
  const settled = await deps.live.exclusive('idmap', async () => {
    const config = await withIdmap(deps, row.id, withVolatile(row.config, after.devices), after.config);
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
    return [];
  }
  await driver.can.limits?.apply(machine.spec.ref, machine.spec.limits);
  return pendingKeys(before, after);
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
