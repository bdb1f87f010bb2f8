import { nothingToUndo, type Saga } from '../operations/saga.ts';
import { publishLifecycle, snapshotUrl } from '../services/lifecycle.ts';
import { storageDriver } from '../services/machine.ts';
import type { SagaDeps } from './saga-deps.ts';
import { snapshotCreateParams, type SnapshotCreateParams } from './snapshot-create.ts';

export function snapshotDeleteSaga(deps: SagaDeps): Saga<SnapshotCreateParams> {
  const phase = async (id: string, value: 'deleting' | 'ready') => {
    if (await deps.store.snapshots.find(id)) await deps.store.snapshots.update(id, { phase: value });
  };
  return {
    kind: 'snapshot-delete',
    params: snapshotCreateParams,
    steps: [
      {
        name: 'mark',
        run: ({ snapshot }) => phase(snapshot.id, 'deleting'),
        undo: ({ snapshot }) => phase(snapshot.id, 'ready'),
      },
      {
        name: 'volume',
        run: ({ pool, volumeId, snapshot }) =>
          storageDriver(deps, pool.driver).volumes.removeSnapshot({ pool, id: volumeId, snapshotId: snapshot.id }),
        undo: nothingToUndo,
      },
      {
        name: 'forget',
        async run({ snapshot, instance, project, requestor }) {
          await deps.store.snapshots.remove(snapshot.id);
          publishLifecycle(deps, {
            action: 'instance-snapshot-deleted',
            source: snapshotUrl(instance, snapshot.name),
            name: instance,
            project,
            requestor,
          });
        },
        undo: nothingToUndo,
      },
    ],
  };
}
