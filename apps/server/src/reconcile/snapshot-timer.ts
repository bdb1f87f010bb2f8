import { messageOf } from '@stapes/contract/errors';
import type { OperationEngine } from '../operations/engine-types.ts';
import type { BaseDeps } from '../services/deps.ts';
import { ended } from '../services/ended.ts';
import { serverContext } from '../services/lifecycle.ts';
import { effectiveOf } from '../services/machine.ts';
import type { SnapshotsService } from '../services/services.ts';
import { isDue } from '../services/snapshot-times.ts';
import { isTrue } from '../services/validate.ts';
import type { InstanceRow } from '../store/store.ts';

const tickMs = 30_000;
/** A run that was missed for longer (the server was away, the host slept) waits for its next turn. */
const lateMs = 10 * 60_000;
const lastKey = 'state.snapshotTimer';

interface TimerDeps extends BaseDeps {
  engine: Pick<OperationEngine, 'wait'>;
  snapshots: SnapshotsService;
}

async function isWanted(deps: TimerDeps, row: InstanceRow, afterMs: number, nowMs: number): Promise<boolean> {
  const { config } = await effectiveOf(deps.store, row);
  const schedule = config['snapshots.schedule'];
  if (!schedule || !isDue(schedule, afterMs, nowMs)) return false;
  if (isTrue(config['snapshots.schedule.stopped'])) return true;
  const { status } = await deps.runtime.instances.container.inspect({ id: row.id });
  return status === 'Running' || status === 'Frozen';
}

/** Takes the snapshots whose time has come since the last look, one after the other, and removes those whose time is over. */
export async function runSnapshotTimer(deps: TimerDeps, nowMs: number): Promise<void> {
  const context = serverContext();
  const attempt = async (what: string, instance: string, run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      deps.log.warn({ instance, err: error }, `${what}: ${messageOf(error)}`);
    }
  };
  const last = Number((await deps.store.settings.all())[lastKey] ?? nowMs);
  // Written before: a crash in between may lose a run, but never takes one twice.
  await deps.store.settings.set(lastKey, String(nowMs));
  const rows = (await deps.store.instances.list()).filter(({ phase }) => phase === 'ready');
  // A clock that was set back begins anew.
  const afterMs = last > nowMs ? nowMs : Math.max(last, nowMs - lateMs);
  for (const row of rows) {
    await attempt('the scheduled snapshot was not taken', row.name, async () => {
      if (!(await isWanted(deps, row, afterMs, nowMs))) return;
      await ended(deps, await deps.snapshots.create({ ...context, project: row.project }, row.name, {}));
    });
  }
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { phase, expiresAtMs, instanceId, name } of await deps.store.snapshots.list()) {
    const row = byId.get(instanceId);
    if (!row || phase !== 'ready' || expiresAtMs === null || expiresAtMs > nowMs) continue;
    await attempt('the expired snapshot was not removed', row.name, async () => {
      await ended(deps, await deps.snapshots.remove({ ...context, project: row.project }, row.name, name));
    });
  }
}

export function startSnapshotTimer(deps: TimerDeps, signal: AbortSignal): void {
  const again = () => {
    if (signal.aborted) return;
    const timer = setTimeout(() => void run(), tickMs);
    timer.unref();
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  };
  const run = async () => {
    await runSnapshotTimer(deps, Date.now()).catch((error: unknown) =>
      signal.aborted ? undefined : deps.log.error({ err: error }, 'scheduled snapshots could not be looked after'),
    );
    again();
  };
  void run();
}
