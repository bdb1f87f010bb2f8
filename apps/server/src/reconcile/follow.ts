import { isDomainError } from '@stapes/contract/errors';
import type { InstanceEvent } from '@stapes/runtime/instances/driver';
import type { InstanceDeps } from '../services/instances.ts';
import { instanceUrl, publishLifecycle, requestorOf, serverContext } from '../services/lifecycle.ts';
import { toNetworkSpec } from '../services/network-spec.ts';
import { startDelete } from '../services/start-delete.ts';
import type { InstanceRow } from '../store/store.ts';

const healMs = 5000;
const deleteAttempts = 20;

/** Deletes an ephemeral instance that ended by itself; whoever holds its lock now is waited for. */
export async function deleteEnded(deps: InstanceDeps, row: InstanceRow): Promise<void> {
  for (let attempt = 0; attempt < deleteAttempts; attempt++) {
    const now = await deps.store.instances.find(row.id);
    if (!now || now.phase !== 'ready') return;
    try {
      await startDelete(deps, serverContext(), now);
      return;
    } catch (error) {
      if (!isDomainError(error) || error.code !== 'busy') throw error;
      await new Promise((resolve) => setTimeout(resolve, 500).unref());
    }
  }
}

/** What changed without anybody asking this server: init ended, or somebody started it by hand. */
async function follow(deps: InstanceDeps, event: InstanceEvent): Promise<void> {
  if (deps.live.transitions.has(event.id)) return;
  const row = await deps.store.instances.find(event.id);
  if (!row || row.phase !== 'ready') return;
  // An event tells that something changed; what it is now, the host says.
  const { status } = await deps.runtime.instances.container.inspect({ id: event.id });
  if (deps.live.transitions.has(event.id)) return;
  const requestor = requestorOf(serverContext());
  if (status === 'Stopped' && row.desired === 'running') {
    await deps.power.recordStopped(row.id, 'instance-shutdown', requestor);
    if (row.ephemeral) await deleteEnded(deps, row);
  } else if (status === 'Running' && row.desired === 'stopped') {
    await deps.store.instances.update(row.id, {
      desired: 'running',
      config: { ...row.config, 'volatile.last_state.power': 'RUNNING' },
    });
    publishLifecycle(deps, {
      action: 'instance-started',
      source: instanceUrl(row.name),
      name: row.name,
      project: row.project,
      requestor,
    });
  }
}

export function watchInstances(deps: InstanceDeps, signal: AbortSignal): void {
  const failed = (error: unknown) => deps.log.error({ err: error }, 'a state change could not be followed');
  deps.runtime.instances.container
    .watch((event) => void deps.live.exclusive(`follow ${event.id}`, () => follow(deps, event)).catch(failed), signal)
    .catch((error: unknown) => (signal.aborted ? undefined : failed(error)));
}

/** dnsmasq that died and the like. */
export function healNetworks(deps: InstanceDeps, signal: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  const again = () => {
    if (signal.aborted) return;
    timer = setTimeout(() => void heal().finally(again), healMs);
    timer.unref();
  };
  const heal = async () => {
    try {
      const specs = (await deps.store.networks.list()).filter(({ phase }) => phase === 'ready').map(toNetworkSpec);
      for (const mended of await deps.runtime.networks.bridge.heal(specs))
        deps.log.warn({ mended }, 'a part of a network had died and was started again');
    } catch (error) {
      deps.log.error({ err: error }, 'networks could not be looked after');
    }
  };
  again();
}
