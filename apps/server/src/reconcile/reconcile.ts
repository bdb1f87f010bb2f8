import { readFile, readlink } from 'node:fs/promises';
import { messageOf } from '@stapes/contract/errors';
import type { InstanceRow } from '../store/store.ts';
import type { ServiceDeps } from '../services/deps.ts';
import { requestorOf, serverContext } from '../services/lifecycle.ts';
import { effectiveOf, storageDriver, toPoolRef } from '../services/machine.ts';
import { toNetworkSpec } from '../services/network-spec.ts';
import type { Power } from '../services/power.ts';

export interface ReconcileDeps extends ServiceDeps {
  power: Power;
  /** Pools that did not come up, and why. */
  unhealthy: Map<string, string>;
}

/** Boot in which the server last looked after its instances. */
export const bootKey = 'state.boot';

/** What changes when everything that ran is gone: the host's boot, and the process namespace that instances run in. */
async function bootIdentity(): Promise<string> {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return `${boot} ${namespace}`;
}

/** Mounts pools again. One that does not come up is shown as Unavailable; the server and the others go on. */
export async function ensurePools(deps: ReconcileDeps): Promise<void> {
  for (const pool of await deps.store.pools.list()) {
    if (pool.phase !== 'ready') continue;
    try {
      await storageDriver(deps, pool.driver).ensurePool(toPoolRef(pool));
      deps.unhealthy.delete(pool.id);
    } catch (error) {
      deps.unhealthy.set(pool.id, messageOf(error));
      deps.log.error({ err: error, pool: pool.name }, 'the storage pool is not available');
    }
  }
}

export async function ensureNetworks(deps: ReconcileDeps): Promise<void> {
  for (const network of await deps.store.networks.list()) {
    if (network.phase !== 'ready') continue;
    try {
      await deps.runtime.networks.bridge.ensureNetwork(toNetworkSpec(network));
    } catch (error) {
      deps.log.error({ err: error, network: network.name }, 'the network did not come up');
    }
  }
}

export interface Reconciled {
  /** Everything that ran is gone: the host was restarted. */
  rebooted: boolean;
  /** Ephemeral ones that ended meanwhile. */
  toDelete: InstanceRow[];
  /** In the order in which they shall start. */
  toStart: InstanceRow[];
}

/** Compares intent with host: running ones are adopted; what ended while the server was away is written down. */
export async function reconcileInstances(deps: ReconcileDeps): Promise<Reconciled> {
  const now = await bootIdentity();
  const before = (await deps.store.settings.all())[bootKey];
  const rebooted = before !== undefined && before !== now;
  const observed = await deps.runtime.instances.container.inspectAll();
  const rows = (await deps.store.instances.list()).filter(({ phase }) => phase === 'ready');
  const requestor = requestorOf(serverContext());
  const toDelete: InstanceRow[] = [];
  const toStart: InstanceRow[] = [];
  for (const row of rows) {
    const runs = observed.has(row.id);
    if (runs && row.desired !== 'running') {
      await deps.store.instances.update(row.id, {
        desired: 'running',
        config: { ...row.config, 'volatile.last_state.power': 'RUNNING' },
      });
    } else if (!runs && row.desired === 'running') {
      if (row.ephemeral) toDelete.push(row);
      else if (!rebooted) await deps.power.recordStopped(row.id, 'instance-shutdown', requestor);
    }
    if (!runs && rebooted && !row.ephemeral && (await shallStart(deps, row))) toStart.push(row);
  }
  await deps.store.settings.set(bootKey, now);
  return { rebooted, toDelete, toStart: await inOrder(deps, toStart) };
}

async function effectiveConfig(deps: ReconcileDeps, row: InstanceRow): Promise<Record<string, string>> {
  return (await effectiveOf(deps.store, row).catch(() => row)).config;
}

/** `boot.autostart`, or as it was before when that is unset. */
async function shallStart(deps: ReconcileDeps, row: InstanceRow): Promise<boolean> {
  const wish = (await effectiveConfig(deps, row))['boot.autostart'];
  if (wish === undefined || wish === '' || wish === 'last-state') return row.desired === 'running';
  return /^(true|1|yes|on)$/i.test(wish);
}

async function inOrder(deps: ReconcileDeps, rows: InstanceRow[]): Promise<InstanceRow[]> {
  const priority = new Map<string, number>();
  for (const row of rows)
    priority.set(row.id, Number((await effectiveConfig(deps, row))['boot.autostart.priority'] ?? 0) || 0);
  return [...rows].sort((a, b) => (priority.get(b.id) ?? 0) - (priority.get(a.id) ?? 0) || (a.name < b.name ? -1 : 1));
}

/** One after the other; one that fails is told and the next one starts. */
export async function autostart(deps: ReconcileDeps, rows: InstanceRow[], signal: AbortSignal): Promise<void> {
  const context = serverContext();
  for (const row of rows) {
    if (signal.aborted) return;
    try {
      const operation = await deps.engine.startTask(
        context,
        'instance-start',
        {
          description: 'Starting instance',
          locks: [`instance:${row.id}`],
          resources: { instances: [`/1.0/instances/${row.name}`] },
        },
        () => deps.power.start(row.id, requestorOf(context)),
      );
      const end = await deps.engine.wait(operation.id, -1);
      if (end.status !== 'Success') deps.log.error({ instance: row.name, err: end.err }, 'autostart failed');
    } catch (error) {
      deps.log.error({ err: error, instance: row.name }, 'autostart failed');
    }
    const delayS = Number((await effectiveConfig(deps, row))['boot.autostart.delay'] ?? 0) || 0;
    if (delayS > 0) await pause(delayS * 1000, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
