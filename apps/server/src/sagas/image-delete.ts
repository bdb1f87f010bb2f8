import { z } from 'zod';
import { nothingToUndo, type Saga } from '../operations/saga.ts';
import { removeImageFiles } from '../services/image-files.ts';
import { imageUrl, publishLifecycle } from '../services/lifecycle.ts';
import { storageDriver } from '../services/machine.ts';
import { poolRefSchema, requestorSchema } from './row-schemas.ts';
import type { SagaDeps } from './saga-deps.ts';

export const imageDeleteParams = z.object({
  fingerprint: z.string(),
  pools: z.array(poolRefSchema),
  requestor: requestorSchema,
});
export type ImageDeleteParams = z.infer<typeof imageDeleteParams>;

/** Instances made from it have a copy of their own and go on. */
export function imageDeleteSaga(deps: SagaDeps): Saga<ImageDeleteParams> {
  const phase = async (fingerprint: string, value: 'deleting' | 'ready') => {
    if (await deps.store.images.find(fingerprint)) await deps.store.images.update(fingerprint, { phase: value });
  };
  return {
    kind: 'image-delete',
    params: imageDeleteParams,
    steps: [
      {
        name: 'mark',
        run: ({ fingerprint }) => phase(fingerprint, 'deleting'),
        undo: ({ fingerprint }) => phase(fingerprint, 'ready'),
      },
      {
        name: 'pools',
        async run({ fingerprint, pools }) {
          for (const pool of pools) await storageDriver(deps, pool.driver).images.remove({ pool, fingerprint });
        },
        undo: nothingToUndo,
      },
      { name: 'files', run: ({ fingerprint }) => removeImageFiles(deps.config, fingerprint), undo: nothingToUndo },
      {
        name: 'forget',
        async run({ fingerprint, requestor }) {
          for (const alias of await deps.store.aliases.ofImage(fingerprint))
            await deps.store.aliases.remove(alias.name);
          await deps.store.images.remove(fingerprint);
          publishLifecycle(deps, {
            action: 'image-deleted',
            source: imageUrl(fingerprint),
            name: fingerprint,
            requestor,
          });
        },
        undo: nothingToUndo,
      },
    ],
  };
}
