import type { Operation } from '@stapes/contract/operation';
import type { InstanceRow } from '../store/store.ts';
import type { Context } from './context.ts';
import { instanceUrl, requestorOf } from './lifecycle.ts';
import { machineOf, toPoolRef } from './machine.ts';
import type { InstanceDeps } from './instances.ts';

/** Starts the delete saga with all that it needs to know beforehand. */
export async function startDelete(deps: InstanceDeps, context: Context, row: InstanceRow): Promise<Operation> {
  const pool = toPoolRef(await deps.store.pools.get(row.poolId));
  // A network or profile that is gone takes its ports along.
  const { ports } = await machineOf(deps, row, { pool }).catch(() => ({ ports: [] }));
  const snapshots = await deps.store.snapshots.ofInstance(row.id);
  return deps.engine.startSaga(
    context,
    deps.sagas.instanceDelete,
    {
      id: row.id,
      name: row.name,
      project: row.project,
      volumeId: row.volumeId,
      pool,
      snapshotIds: snapshots.map(({ id }) => id),
      ports: ports.map(({ network, portId, hostName, hwaddr }) => ({ network, portId, hostName, hwaddr })),
      requestor: requestorOf(context),
    },
    {
      description: 'Deleting instance',
      locks: [`instance:${row.id}`],
      resources: { instances: [instanceUrl(row.name)] },
    },
  );
}
