import { z } from 'zod';
import type { Saga } from '../operations/saga.ts';
import { networkUrl, publishLifecycle } from '../services/lifecycle.ts';
import { toNetworkSpec } from '../services/network-spec.ts';
import type { NetworkRow } from '../store/store.ts';
import { networkRowSchema, requestorSchema } from './row-schemas.ts';
import { leaveAsIs, type SagaDeps } from './saga-deps.ts';

export const networkUpdateParams = z.object({
  before: networkRowSchema,
  after: networkRowSchema,
  requestor: requestorSchema,
});
export type NetworkUpdateParams = z.infer<typeof networkUpdateParams>;

export function networkUpdateSaga(deps: SagaDeps): Saga<NetworkUpdateParams> {
  const record = async ({ id, description, config }: NetworkRow) =>
    void (await deps.store.networks.update(id, { description, config }));
  const apply = (row: NetworkRow) => deps.runtime.networks.bridge.ensureNetwork(toNetworkSpec(row));
  return {
    kind: 'network-update',
    params: networkUpdateParams,
    steps: [
      { name: 'record', run: ({ after }) => record(after), undo: ({ before }) => record(before) },
      { name: 'bridge', run: ({ after }) => apply(after), undo: ({ before }) => apply(before) },
      {
        name: 'tell',
        run: async ({ after, requestor }) =>
          publishLifecycle(deps, {
            action: 'network-updated',
            source: networkUrl(after.name),
            name: after.name,
            requestor,
          }),
        undo: leaveAsIs,
      },
    ],
  };
}
