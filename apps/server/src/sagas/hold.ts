import { z } from 'zod';
import type { Step } from '../operations/saga.ts';
import { storageDriver } from '../services/machine.ts';
import { poolRefSchema } from './row-schemas.ts';
import { leaveAsIs, type SagaDeps } from './saga-deps.ts';

/**
 * What keeps the files of a running instance still while they are read one by one: a snapshot for this purpose only, where those are cheap, else the
 * instance is frozen. A guest that changed its files meanwhile could have others read in their place.
 */
export const holdSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('freeze'), instanceId: z.string() }),
  z.object({
    kind: z.literal('snapshot'),
    snapshot: z.object({ pool: poolRefSchema, id: z.string(), snapshotId: z.string() }),
  }),
]);
export type Hold = z.infer<typeof holdSchema>;

interface Held {
  hold?: Hold | null | undefined;
}

/** To be undone after all that comes between it and `release`. */
export function holdStep<P extends Held>(deps: SagaDeps): Step<P> {
  return {
    name: 'hold',
    async run({ hold }, tools) {
      if (hold?.kind === 'snapshot') {
        const { snapshot } = hold;
        await storageDriver(deps, snapshot.pool.driver).volumes.ensureSnapshot(snapshot);
      } else if (hold) {
        tools.progress('Frozen while its files are copied', null);
        await setFrozen(deps, hold.instanceId, true);
      }
    },
    undo: ({ hold }) => release(deps, hold),
  };
}

export function releaseStep<P extends Held>(deps: SagaDeps): Step<P> {
  return { name: 'release', run: ({ hold }) => release(deps, hold), undo: leaveAsIs };
}

async function release(deps: SagaDeps, hold: Held['hold']): Promise<void> {
  if (hold?.kind === 'snapshot') {
    const { snapshot } = hold;
    await storageDriver(deps, snapshot.pool.driver).volumes.removeSnapshot(snapshot);
  } else if (hold) await setFrozen(deps, hold.instanceId, false);
}

/** One that has ended meanwhile is still enough. */
async function setFrozen(deps: SagaDeps, id: string, frozen: boolean): Promise<void> {
  const driver = deps.runtime.instances.container;
  const { status } = await driver.inspect({ id });
  if (status === (frozen ? 'Running' : 'Frozen')) await driver.ensureFrozen({ id }, frozen);
}
