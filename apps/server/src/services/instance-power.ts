import { whyNot, type InstanceAbility } from '@stapes/contract/abilities';
import { DomainError } from '@stapes/contract/errors';
import { putInstanceStateSchema, type PutInstanceState } from '@stapes/contract/instance';
import type { Operation } from '@stapes/contract/operation';
import type { StepTools } from '../operations/saga.ts';
import type { InstanceRow } from '../store/store.ts';
import type { Context } from './context.ts';
import type { InstanceDeps } from './instances.ts';
import { requireInstance } from './instance-views.ts';
import { instanceUrl, requestorOf, type Requestor } from './lifecycle.ts';
import { startDelete } from './start-delete.ts';
import { admit, parse } from './validate.ts';

/** `timeout` -1: as the server sees fit. */
const defaultGraceMs = 30_000;

const descriptions: Record<PutInstanceState['action'], string> = {
  start: 'Starting instance',
  stop: 'Stopping instance',
  restart: 'Restarting instance',
  freeze: 'Freezing instance',
  unfreeze: 'Unfreezing instance',
};

export async function setState(deps: InstanceDeps, context: Context, name: string, input: unknown): Promise<Operation> {
  admit(context);
  const request = parse(putInstanceStateSchema, input);
  if (request.stateful)
    throw new DomainError('unsupported', 'Stateful start and stop are not supported', {
      details: { field: 'stateful' },
    });
  return startStateChange(deps, context, await requireInstance(deps, context.project, name), request);
}

/** One operation an instance, so that one that fails does not hide how the others went. Those that cannot are skipped, as in `lxc stop --all`. */
export async function bulkState(
  deps: InstanceDeps,
  context: Context,
  names: string[],
  input: unknown,
): Promise<Operation[]> {
  admit(context);
  const request = parse(putInstanceStateSchema, input);
  const rows: InstanceRow[] = [];
  for (const name of new Set(names)) rows.push(await requireInstance(deps, context.project, name));
  const observed = await deps.runtime.instances.container.inspectAll();
  const operations: Operation[] = [];
  for (const row of rows) {
    const status = observed.get(row.id)?.status ?? 'Stopped';
    if (whyNot(request.action, status)) continue;
    operations.push(await startStateChange(deps, context, row, request));
  }
  return operations;
}

async function startStateChange(
  deps: InstanceDeps,
  context: Context,
  row: InstanceRow,
  request: PutInstanceState,
): Promise<Operation> {
  const requestor = requestorOf(context);
  const operation = await deps.engine.startTask(
    context,
    `instance-${request.action}`,
    {
      description: descriptions[request.action],
      locks: [`instance:${row.id}`],
      resources: { instances: [instanceUrl(row.name)] },
      cancelable: request.action === 'stop',
    },
    // Looked at under the lock: whoever held it before may have changed the state.
    async (tools) => {
      const { status } = await deps.runtime.instances.container.inspect({ id: row.id });
      const reason = whyNot(request.action as InstanceAbility, status);
      if (reason)
        throw new DomainError(
          'wrong-state',
          `Cannot ${request.action} the instance "${row.name}": ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`,
        );
      await perform(deps, { row, request, requestor }, tools);
    },
  );
  if (request.action === 'stop' || request.action === 'restart')
    void deleteEphemeral(deps, context, row, { operation, action: request.action });
  return operation;
}

async function perform(
  deps: InstanceDeps,
  change: { row: InstanceRow; request: PutInstanceState; requestor: Requestor },
  tools: StepTools,
): Promise<void> {
  const { row, request, requestor } = change;
  const { power } = deps;
  switch (request.action) {
    case 'start':
      return power.start(row.id, requestor);
    case 'stop':
      return stop(deps, change, tools);
    case 'restart':
      await stop(deps, change, tools);
      return power.start(row.id, requestor);
    case 'freeze':
      return power.freeze(row.id, true, requestor);
    case 'unfreeze':
      return power.freeze(row.id, false, requestor);
  }
}

async function stop(
  deps: InstanceDeps,
  { row, request, requestor }: { row: InstanceRow; request: PutInstanceState; requestor: Requestor },
  tools: StepTools,
): Promise<void> {
  const timeout = request.timeout ?? -1;
  const force = request.force ?? false;
  // Force with no time given kills at once.
  const graceMs = timeout > 0 ? timeout * 1000 : force ? 0 : defaultGraceMs;
  try {
    await deps.power.stop(row.id, { graceMs, force, signal: tools.signal }, requestor);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'timeout') {
      throw new DomainError(
        'timeout',
        `The instance "${row.name}" did not shut down within ${Math.round(graceMs / 1000)} seconds and still runs: wait longer, or stop it by force`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** Ephemeral instances are gone once they stop. */
async function deleteEphemeral(
  deps: InstanceDeps,
  context: Context,
  row: InstanceRow,
  after: { operation: Operation; action: string },
): Promise<void> {
  if (!row.ephemeral || after.action !== 'stop') return;
  try {
    const ended = await deps.engine.wait(after.operation.id, -1);
    if (ended.status !== 'Success') return;
    const now = await deps.store.instances.find(row.id);
    if (now?.ephemeral && now.phase === 'ready') await startDelete(deps, context, now);
  } catch (error) {
    deps.log.error({ err: error, instance: row.name }, 'the ephemeral instance could not be deleted');
  }
}
