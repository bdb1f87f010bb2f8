import { z } from 'zod';
import type { Saga } from '../operations/saga.ts';
import { publishLifecycle, snapshotUrl } from '../services/lifecycle.ts';
import { storageDriver } from '../services/machine.ts';
import { holdSchema, holdStep, releaseStep } from './hold.ts';
import { poolRefSchema, requestorSchema, snapshotRowSchema } from './row-schemas.ts';
import type { SagaDeps } from './saga-deps.ts';

export const snapshotCreateParams = z.object({
  snapshot: snapshotRowSchema,
  instance: z.string(),
  project: z.string(),
  volumeId: z.string(),
  pool: poolRefSchema,
  /** What keeps the files still. */
  hold: holdSchema.nullish(),
  requestor: requestorSchema,
});
export type SnapshotCreateParams = z.infer<typeof snapshotCreateParams>;

export function snapshotCreateSaga(deps: SagaDeps): Saga<SnapshotCreateParams> {
  return {
    kind: 'snapshot-create',
    params: snapshotCreateParams,
    steps: [
      {
        name: 'record',
        async run({ snapshot }) {
          if (!(await deps.store.snapshots.find(snapshot.id)))
            await deps.store.snapshots.create({ ...snapshot, phase: 'creating' });
        },
        undo: ({ snapshot }) => deps.store.snapshots.remove(snapshot.id),
      },
      holdStep(deps),
      {
        name: 'volume',
        run: ({ pool, volumeId, snapshot }) =>
          storageDriver(deps, pool.driver).volumes.ensureSnapshot({ pool, id: volumeId, snapshotId: snapshot.id }),
        undo: ({ pool, volumeId, snapshot }) =>
          storageDriver(deps, pool.driver).volumes.removeSnapshot({ pool, id: volumeId, snapshotId: snapshot.id }),
      },
      releaseStep(deps),
      {
        name: 'ready',
        async run({ snapshot, instance, project, requestor }) {
          await deps.store.snapshots.update(snapshot.id, { phase: 'ready' });
          publishLifecycle(deps, {
            action: 'instance-snapshot-created',
            source: snapshotUrl(instance, snapshot.name),
            name: instance,
            project,
            requestor,
          });
        },
        async undo({ snapshot }) {
          if (await deps.store.snapshots.find(snapshot.id))
            await deps.store.snapshots.update(snapshot.id, { phase: 'deleting' });
        },
      },
    ],
  };
}
