import { nothingToUndo, type Saga } from '../operations/saga.ts';
import { networkUrl, publishLifecycle } from '../services/lifecycle.ts';
import { toNetworkRef } from '../services/network-spec.ts';
import { networkParams, type NetworkParams } from './network-create.ts';
import type { SagaDeps } from './saga-deps.ts';

export function networkDeleteSaga(deps: SagaDeps): Saga<NetworkParams> {
  const phase = async (id: string, value: 'deleting' | 'ready') => {
    if (await deps.store.networks.find(id)) await deps.store.networks.update(id, { phase: value });
  };
  return {
    kind: 'network-delete',
    params: networkParams,
    steps: [
      {
        name: 'mark',
        run: ({ network }) => phase(network.id, 'deleting'),
        undo: ({ network }) => phase(network.id, 'ready'),
      },
      {
        name: 'bridge',
        run: ({ network }) => deps.runtime.networks.bridge.removeNetwork(toNetworkRef(network)),
        undo: nothingToUndo,
      },
      {
        name: 'forget',
        async run({ network, requestor }) {
          await deps.store.networks.remove(network.id);
          publishLifecycle(deps, {
            action: 'network-deleted',
            source: networkUrl(network.name),
            name: network.name,
            requestor,
          });
        },
        undo: nothingToUndo,
      },
    ],
  };
}
