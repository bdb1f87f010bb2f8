import { existsSync } from 'node:fs';
import { isDomainError } from '@stapes/contract/errors';
import type { StopOptions } from '@stapes/runtime/instances/driver';
import type { InstanceRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { withIdmap } from './idmaps.ts';
import { instanceUrl, publishLifecycle, type Requestor } from './lifecycle.ts';
import { hasLimits } from './limits.ts';
import { effectiveOf, machineOf, withVolatile, type Machine } from './machine.ts';
import { toNetworkSpec } from './network-spec.ts';
import type { Templates } from './templates.ts';

/** Starting and stopping. Everything on the host is put right from the intent in the database just before a start. */
export interface Power {
  start(id: string, requestor: Requestor): Promise<void>;
  stop(id: string, options: StopOptions, requestor: Requestor): Promise<void>;
  freeze(id: string, frozen: boolean, requestor: Requestor): Promise<void>;
  /** Brings ports and configuration up to date without starting. */
  prepare(row: InstanceRow): Promise<Machine>;
  /** Writes down that it does not run any more, and tells. */
  recordStopped(
    id: string,
    action: 'instance-stopped' | 'instance-shutdown',
    requestor: Requestor,
  ): Promise<InstanceRow | null>;
}

export function createPower(deps: BaseDeps, templates: Templates): Power {
  const { store, live, runtime } = deps;
  const driver = runtime.instances.container;

  const tell = (row: InstanceRow, action: string, requestor: Requestor) =>
    publishLifecycle(deps, { action, source: instanceUrl(row.name), name: row.name, project: row.project, requestor });

  async function transition<T>(id: string, state: 'Starting' | 'Stopping', run: () => Promise<T>): Promise<T> {
    live.transitions.set(id, state);
    try {
      return await run();
    } finally {
      live.transitions.delete(id);
    }
  }

  /** What it shall have from now on: addresses, names and the id range. */
  async function settle(row: InstanceRow): Promise<InstanceRow> {
    const effective = await effectiveOf(store, row);
    return live.exclusive('idmap', async () => {
      const config = await withIdmap(deps, row.id, withVolatile(row.config, effective.devices), effective.config);
      const next = config['volatile.idmap.next'];
      const settled = { ...config };
      if (next) settled['volatile.idmap.current'] = next;
      else delete settled['volatile.idmap.current'];
      if (JSON.stringify(settled) === JSON.stringify(row.config)) return row;
      return store.instances.update(row.id, { config: settled });
    });
  }

  async function ensureNetworks(machine: Machine): Promise<void> {
    for (const port of machine.ports) {
      // A look into /sys is enough; a bridge that is half there is healed by the timer.
      if (!existsSync(`/sys/class/net/${port.network.interfaceName}`)) {
        await runtime.networks.bridge.ensureNetwork(toNetworkSpec(await store.networks.get(port.network.id)));
      }
      await runtime.networks.bridge.ensurePort(port);
    }
  }

  async function prepare(row: InstanceRow): Promise<Machine> {
    const machine = await machineOf(deps, await settle(row));
    await ensureNetworks(machine);
    await driver.ensureConfigured(machine.spec);
    return machine;
  }

  async function recordStopped(id: string, action: 'instance-stopped' | 'instance-shutdown', requestor: Requestor) {
    const row = await store.instances.find(id);
    if (!row) return null;
    const { 'volatile.last_state.power': _power, ...config } = row.config;
    const stopped = await store.instances.update(id, {
      desired: 'stopped',
      config: { ...config, 'volatile.last_state.power': 'STOPPED' },
    });
    tell(stopped, action, requestor);
    return stopped;
  }

  return {
    prepare,
    recordStopped,
    start: (id, requestor) =>
      transition(id, 'Starting', async () => {
        const machine = await prepare(await store.instances.get(id));
        await templates.apply(machine, 'start');
        await driver.ensureStarted(machine.spec.ref);
        if (driver.can.limits && hasLimits(machine.spec.limits))
          await driver.can.limits.apply(machine.spec.ref, machine.spec.limits);
        const row = await store.instances.update(id, {
          desired: 'running',
          lastUsedAtMs: Date.now(),
          config: { ...machine.row.config, 'volatile.last_state.power': 'RUNNING' },
        });
        tell(row, 'instance-started', requestor);
      }),
    stop: (id, options, requestor) =>
      transition(id, 'Stopping', async () => {
        try {
          await driver.ensureStopped({ id }, options);
        } catch (error) {
          if (isDomainError(error) && error.code === 'timeout')
            deps.log.info({ instance: id }, 'did not shut down in time');
          throw error;
        }
        await recordStopped(id, options.graceMs === 0 ? 'instance-stopped' : 'instance-shutdown', requestor);
      }),
    async freeze(id, frozen, requestor) {
      await driver.ensureFrozen({ id }, frozen);
      tell(await store.instances.get(id), frozen ? 'instance-paused' : 'instance-resumed', requestor);
    },
  };
}
