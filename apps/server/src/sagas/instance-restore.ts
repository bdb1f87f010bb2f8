import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { nothingToUndo, type Saga } from '../operations/saga.ts';
import { instanceUrl, publishLifecycle } from '../services/lifecycle.ts';
import { storageDriver } from '../services/machine.ts';
import { poolRefSchema, requestorSchema, snapshotRowSchema } from './row-schemas.ts';
import { leaveAsIs, type SagaDeps } from './saga-deps.ts';

export const instanceRestoreParams = z.object({
  id: z.string(),
  name: z.string(),
  project: z.string(),
  volumeId: z.string(),
  pool: poolRefSchema,
  snapshot: snapshotRowSchema,
  wasRunning: z.boolean(),
  requestor: requestorSchema,
});
export type InstanceRestoreParams = z.infer<typeof instanceRestoreParams>;

/** A running instance is killed first and started again after: its files change under it. `volume` is the point of no return. */
export function instanceRestoreSaga(deps: SagaDeps): Saga<InstanceRestoreParams> {
  return {
    kind: 'instance-restore',
    params: instanceRestoreParams,
    steps: [
      {
        name: 'stop',
        async run({ id, wasRunning, requestor }) {
          if (wasRunning) await deps.power.stop(id, { graceMs: 0, force: true }, requestor);
        },
        async undo({ id, wasRunning, requestor }) {
          if (wasRunning) await deps.power.start(id, requestor);
        },
      },
      {
        name: 'volume',
        run: ({ pool, volumeId, snapshot }) =>
          storageDriver(deps, pool.driver).volumes.restoreSnapshot({ pool, id: volumeId, snapshotId: snapshot.id }),
        undo: nothingToUndo,
      },
      {
        name: 'record',
        async run({ id, snapshot }) {
          const row = await deps.store.instances.get(id);
          // What the server remembers of NICs and ids stays that of the instance, but to the software inside it is another one.
          const volatile = Object.fromEntries(
            Object.entries(row.config).filter(([key]) => key.startsWith('volatile.')),
          );
          const own = Object.fromEntries(
            Object.entries(snapshot.config).filter(([key]) => !key.startsWith('volatile.')),
          );
          await deps.store.instances.update(id, {
            config: { ...own, ...volatile, 'volatile.uuid.generation': randomUUID() },
            devices: snapshot.devices,
            profiles: snapshot.profiles,
            ephemeral: snapshot.ephemeral,
          });
        },
        undo: nothingToUndo,
      },
      {
        name: 'configure',
        run: async ({ id }) => void (await deps.power.prepare(await deps.store.instances.get(id))),
        undo: nothingToUndo,
      },
      {
        name: 'start',
        async run({ id, name, project, snapshot, wasRunning, requestor }) {
          if (wasRunning) await deps.power.start(id, requestor);
          publishLifecycle(deps, {
            action: 'instance-restored',
            source: instanceUrl(name),
            name,
            project,
            requestor,
            context: { snapshot: snapshot.name },
          });
        },
        undo: leaveAsIs,
      },
    ],
  };
}
