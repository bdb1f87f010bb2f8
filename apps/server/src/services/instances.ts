import { DomainError } from '@stapes/contract/errors';
import type { Operation } from '@stapes/contract/operation';
import type { Sagas } from '../sagas/sagas.ts';
import { openConsole } from './console.ts';
import type { Context } from './context.ts';
import type { ServiceDeps } from './deps.ts';
import { tagged } from './etag.ts';
import { exec } from './exec.ts';
import { createInstanceLogs } from './instance-logs.ts';
import { bulkState, setState } from './instance-power.ts';
import { fullViews, profilesOf, requireInstance, statusOf, toInstance, visibleRows } from './instance-views.ts';
import { createInstanceWrites, instanceEtag } from './instance-writes.ts';
import type { Power } from './power.ts';
import type { InstancesService } from './services.ts';
import type { UsageSampler } from './usage-sampler.ts';
import { admit } from './validate.ts';

export interface InstanceDeps extends ServiceDeps {
  sagas: Sagas;
  power: Power;
  sampler: UsageSampler;
  /** Restore by PUT, which the snapshots service does. */
  snapshotRestore(context: Context, instance: string, snapshot: string): Promise<Operation>;
}

export function createInstancesService(deps: InstanceDeps): InstancesService {
  const driver = deps.runtime.instances.container;
  async function oneFull(context: Context, name: string) {
    admit(context);
    const row = await requireInstance(deps, context.project, name);
    const [full] = await fullViews(deps, context.project, [row]);
    if (!full) throw new DomainError('not-found', `There is no instance "${name}"`);
    return { row, full };
  }
  return {
    ...createInstanceWrites(deps),
    ...createInstanceLogs(deps),
    async list(context) {
      admit(context);
      const [rows, profiles, observed] = await Promise.all([
        visibleRows(deps, context.project),
        profilesOf(deps, context.project),
        driver.inspectAll(),
      ]);
      return rows.map((row) => toInstance(row, statusOf(deps, row.id, observed.get(row.id)), profiles));
    },
    async listFull(context) {
      admit(context);
      return fullViews(deps, context.project, await visibleRows(deps, context.project));
    },
    async get(context, name) {
      admit(context);
      const row = await requireInstance(deps, context.project, name);
      const [profiles, observed] = await Promise.all([
        profilesOf(deps, context.project),
        driver.inspect({ id: row.id }),
      ]);
      return { value: toInstance(row, statusOf(deps, row.id, observed), profiles), etag: instanceEtag(row) };
    },
    async getFull(context, name) {
      const { row, full } = await oneFull(context, name);
      return { value: full, etag: instanceEtag(row) };
    },
    state: async (context, name) => (await oneFull(context, name)).full.state,
    setState: (context, name, request) => setState(deps, context, name, request),
    bulkState: (context, names, request) => bulkState(deps, context, names, request),
    exec: (context, name, request) => exec(deps, context, name, request),
    console: (context, name, request) => openConsole(deps, context, name, request),
    async usageHistory(context, name) {
      admit(context);
      return deps.sampler.history((await requireInstance(deps, context.project, name)).id);
    },
    usageStream(context, signal) {
      admit(context);
      return deps.sampler.stream(context.project, signal);
    },
    async metadata(context, name) {
      admit(context);
      const row = await requireInstance(deps, context.project, name);
      return { ...(tagged(row.metadata).value ?? {}) };
    },
  };
}
