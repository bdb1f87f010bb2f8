import { isDomainError, messageOf } from '@stapes/contract/errors';
import type { OperationEngine } from '../operations/engine-types.ts';
import type { BaseDeps } from '../services/deps.ts';
import { ended } from '../services/ended.ts';
import { serverContext } from '../services/lifecycle.ts';
import { effectiveOf } from '../services/machine.ts';
import type { SnapshotsService } from '../services/services.ts';
import { isAtStart } from '../services/snapshot-times.ts';

/** Whoever started it holds its lock for a moment longer. */
const attempts = 40;
const pauseMs = 250;

interface StartDeps extends BaseDeps {
  engine: Pick<OperationEngine, 'wait'>;
  snapshots: SnapshotsService;
}

/** Takes a snapshot of each instance that starts and has `@startup` in its schedule. */
export function watchStarts(deps: StartDeps, signal: AbortSignal): void {
  const leave = deps.events.subscribe(
    {
      types: ['lifecycle'],
      project: null,
      onOverflow: () => deps.log.error('snapshots at the start of instances are not taken any more: too many events'),
    },
    (event) => {
      if (event.type !== 'lifecycle' || event.metadata.action !== 'instance-started') return;
      const { name, project } = event.metadata;
      if (!name) return;
      void takeSnapshot(deps, { project: project ?? 'default', name }, signal).catch((error: unknown) => {
        if (!signal.aborted)
          deps.log.warn({ instance: name, err: error }, `the snapshot at its start was not taken: ${messageOf(error)}`);
      });
    },
  );
  signal.addEventListener('abort', leave, { once: true });
}

async function takeSnapshot(
  deps: StartDeps,
  { project, name }: { project: string; name: string },
  signal: AbortSignal,
): Promise<void> {
  const row = await deps.store.instances.findByName(project, name);
  if (!row || !isAtStart((await effectiveOf(deps.store, row)).config['snapshots.schedule'])) return;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      return await ended(deps, await deps.snapshots.create({ ...serverContext(), project }, name, {}));
    } catch (error) {
      if (attempt === attempts || !isDomainError(error) || error.code !== 'busy') throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
  }
}
