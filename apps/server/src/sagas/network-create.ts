import { z } from 'zod';
import type { Saga } from '../operations/saga.ts';
import { networkUrl, publishLifecycle } from '../services/lifecycle.ts';
import { toNetworkRef, toNetworkSpec } from '../services/network-spec.ts';
import { networkRowSchema, requestorSchema } from './row-schemas.ts';
import type { SagaDeps } from './saga-deps.ts';

export const networkParams = z.object({ network: networkRowSchema, requestor: requestorSchema });
export type NetworkParams = z.infer<typeof networkParams>;

export function networkCreateSaga(deps: SagaDeps): Saga<NetworkParams> {
  const bridge = deps.runtime.networks.bridge;
  return {
    kind: 'network-create',
    params: networkParams,
    steps: [
      {
        name: 'record',
        async run({ network }) {
          if (!(await deps.store.networks.find(network.id)))
            await deps.store.networks.create({ ...network, phase: 'creating' });
        },
        undo: ({ network }) => deps.store.networks.remove(network.id),
      },
      {
        name: 'bridge',
        run: ({ network }) => bridge.ensureNetwork(toNetworkSpec(network)),
        undo: ({ network }) => bridge.removeNetwork(toNetworkRef(network)),
      },
      {
        name: 'ready',
        async run({ network, requestor }) {
          await deps.store.networks.update(network.id, { phase: 'ready' });
          publishLifecycle(deps, {
            action: 'network-created',
            source: networkUrl(network.name),
            name: network.name,
            requestor,
          });
        },
        async undo({ network }) {
          if (await deps.store.networks.find(network.id))
            await deps.store.networks.update(network.id, { phase: 'deleting' });
        },
      },
    ],
  };
}
