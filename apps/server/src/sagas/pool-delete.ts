import { z } from 'zod';
import { nothingToUndo, type Saga } from '../operations/saga.ts';
import { poolUrl, publishLifecycle } from '../services/lifecycle.ts';
import { storageDriver, toPoolRef } from '../services/machine.ts';
import { poolRowSchema, requestorSchema } from './row-schemas.ts';
import type { SagaDeps } from './saga-deps.ts';

export const poolDeleteParams = z.object({
  pool: poolRowSchema,
  fingerprints: z.array(z.string()),
  requestor: requestorSchema,
});
export type PoolDeleteParams = z.infer<typeof poolDeleteParams>;

export function poolDeleteSaga(deps: SagaDeps): Saga<PoolDeleteParams> {
  const phase = async (id: string, value: 'deleting' | 'ready') => {
    if (await deps.store.pools.find(id)) await deps.store.pools.update(id, { phase: value });
  };
  return {
    kind: 'pool-delete',
    params: poolDeleteParams,
    steps: [
      { name: 'mark', run: ({ pool }) => phase(pool.id, 'deleting'), undo: ({ pool }) => phase(pool.id, 'ready') },
      {
        name: 'images',
        async run({ pool, fingerprints }) {
          const { images } = storageDriver(deps, pool.driver);
          for (const fingerprint of fingerprints) await images.remove({ pool: toPoolRef(pool), fingerprint });
        },
        undo: nothingToUndo,
      },
      {
        name: 'backing',
        run: ({ pool }) => storageDriver(deps, pool.driver).removePool(toPoolRef(pool)),
        undo: nothingToUndo,
      },
      {
        name: 'forget',
        async run({ pool, requestor }) {
          await deps.store.pools.remove(pool.id);
          publishLifecycle(deps, {
            action: 'storage-pool-deleted',
            source: poolUrl(pool.name),
            name: pool.name,
            requestor,
          });
        },
        undo: nothingToUndo,
      },
    ],
  };
}
