import { z } from 'zod';
import type { Saga } from '../operations/saga.ts';
import { poolUrl, publishLifecycle } from '../services/lifecycle.ts';
import { storageDriver, toPoolRef } from '../services/machine.ts';
import { poolRowSchema, requestorSchema } from './row-schemas.ts';
import type { SagaDeps } from './saga-deps.ts';

export const poolParams = z.object({ pool: poolRowSchema, requestor: requestorSchema });
export type PoolParams = z.infer<typeof poolParams>;

export function poolCreateSaga(deps: SagaDeps): Saga<PoolParams> {
  return {
    kind: 'pool-create',
    params: poolParams,
    steps: [
      {
        name: 'record',
        async run({ pool }) {
          if (!(await deps.store.pools.find(pool.id))) await deps.store.pools.create({ ...pool, phase: 'creating' });
        },
        undo: ({ pool }) => deps.store.pools.remove(pool.id),
      },
      {
        name: 'backing',
        run: ({ pool }) => storageDriver(deps, pool.driver).ensurePool(toPoolRef(pool)),
        undo: ({ pool }) => storageDriver(deps, pool.driver).removePool(toPoolRef(pool)),
      },
      {
        name: 'ready',
        async run({ pool, requestor }) {
          await deps.store.pools.update(pool.id, { phase: 'ready' });
          publishLifecycle(deps, {
            action: 'storage-pool-created',
            source: poolUrl(pool.name),
            name: pool.name,
            requestor,
          });
        },
        async undo({ pool }) {
          if (await deps.store.pools.find(pool.id)) await deps.store.pools.update(pool.id, { phase: 'deleting' });
        },
      },
    ],
  };
}
