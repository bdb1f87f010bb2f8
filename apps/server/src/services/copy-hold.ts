import type { Hold } from '../sagas/hold.ts';
import { mintId } from '../store/mint-id.ts';
import type { InstanceRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import type { Plan } from './instance-plan.ts';
import { storageDriver, toPoolRef } from './machine.ts';

/** What a copy of the files of an instance needs for its time; null when they are still, or copied in one step of the pool's. */
export async function holdForCopy(deps: BaseDeps, { origin, pool }: Plan): Promise<Hold | null> {
  const { source, copyOf } = origin;
  if (!copyOf || source.kind !== 'volume' || source.snapshotId !== null) return null;
  const { snapshotsAreCheap } = storageDriver(deps, source.pool.driver).can;
  if (snapshotsAreCheap && source.pool.id === pool.id) return null;
  const { status } = await deps.runtime.instances.container.inspect({ id: copyOf.id });
  if (status === 'Stopped') return null;
  if (snapshotsAreCheap)
    return { kind: 'snapshot', snapshot: { pool: source.pool, id: source.volumeId, snapshotId: mintId() } };
  // One that somebody has frozen stays so.
  return status === 'Frozen' ? null : { kind: 'freeze', instanceId: copyOf.id };
}

export async function holdForSnapshot(deps: BaseDeps, row: InstanceRow): Promise<Hold | null> {
  const pool = toPoolRef(await deps.store.pools.get(row.poolId));
  if (storageDriver(deps, pool.driver).can.snapshotsAreCheap) return null;
  const { status } = await deps.runtime.instances.container.inspect({ id: row.id });
  return status === 'Running' ? { kind: 'freeze', instanceId: row.id } : null;
}
