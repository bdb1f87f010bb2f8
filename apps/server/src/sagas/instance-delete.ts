import { z } from 'zod';
import { nothingToUndo, type Saga } from '../operations/saga.ts';
import { removeExecOutput } from '../services/exec-output.ts';
import { instanceUrl, publishLifecycle } from '../services/lifecycle.ts';
import { storageDriver } from '../services/machine.ts';
import { poolRefSchema, portSchema, requestorSchema } from './row-schemas.ts';
import { leaveAsIs, type SagaDeps } from './saga-deps.ts';

export const instanceDeleteParams = z.object({
  id: z.string(),
  name: z.string(),
  project: z.string(),
  volumeId: z.string(),
  pool: poolRefSchema,
  snapshotIds: z.array(z.string()),
  ports: z.array(portSchema),
  requestor: requestorSchema,
});
export type InstanceDeleteParams = z.infer<typeof instanceDeleteParams>;

/** `mark` is the last step that can be undone: what comes after throws data away, so it only goes on forward. */
export function instanceDeleteSaga(deps: SagaDeps): Saga<InstanceDeleteParams> {
  const driver = deps.runtime.instances.container;
  return {
    kind: 'instance-delete',
    params: instanceDeleteParams,
    steps: [
      {
        name: 'mark',
        async run({ id }) {
          if (await deps.store.instances.find(id)) await deps.store.instances.update(id, { phase: 'deleting' });
        },
        async undo({ id }) {
          if (await deps.store.instances.find(id)) await deps.store.instances.update(id, { phase: 'ready' });
        },
      },
      { name: 'terminals', run: ({ id }) => closeTerminals(deps, id), undo: leaveAsIs },
      { name: 'unconfigure', run: ({ id }) => driver.removeConfigured({ id }), undo: nothingToUndo },
      {
        name: 'ports',
        async run({ ports }) {
          for (const port of ports) await deps.runtime.networks.bridge.removePort(port);
        },
        undo: nothingToUndo,
      },
      {
        name: 'volume',
        async run({ pool, volumeId, snapshotIds }) {
          const { volumes } = storageDriver(deps, pool.driver);
          for (const snapshotId of snapshotIds) await volumes.removeSnapshot({ pool, id: volumeId, snapshotId });
          await volumes.remove({ pool, id: volumeId });
        },
        undo: nothingToUndo,
      },
      {
        name: 'forget',
        async run({ id, name, project, snapshotIds, requestor }) {
          await removeExecOutput(deps.config, id);
          for (const snapshotId of snapshotIds) await deps.store.snapshots.remove(snapshotId);
          await deps.store.instances.remove(id);
          publishLifecycle(deps, { action: 'instance-deleted', source: instanceUrl(name), name, project, requestor });
        },
        undo: nothingToUndo,
      },
    ],
  };
}

async function closeTerminals(deps: SagaDeps, id: string): Promise<void> {
  for (const session of await deps.runtime.terminals.list().catch(() => [])) {
    if (session.meta.instanceId === id) await deps.runtime.terminals.close(session.id).catch(() => undefined);
  }
}
