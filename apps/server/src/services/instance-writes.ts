import {
  createInstanceSchema,
  patchInstanceSchema,
  putInstanceSchema,
  type Config,
  type CreateInstance,
  type Devices,
  type Instance,
} from '@stapes/contract/instance';
import { whyNot } from '@stapes/contract/abilities';
import { DomainError } from '@stapes/contract/errors';
import { instanceNameSchema } from '@stapes/contract/names';
import type { Operation } from '@stapes/contract/operation';
import { parseBytes } from '@stapes/contract/units';
import type { InstanceRow } from '../store/store.ts';
import type { Context } from './context.ts';
import { holdForCopy } from './copy-hold.ts';
import { effectiveChange } from './effective-change.ts';
import { etagOf, requireMatch } from './etag.ts';
import { rootDisk } from './expand.ts';
import { planInstance, reservePlan } from './instance-plan.ts';
import { profilesOf, requireInstance, toInstance } from './instance-views.ts';
import { instanceUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { effectiveOf, toPoolRef } from './machine.ts';
import { checkReferences } from './references.ts';
import type { InstancesService } from './services.ts';
import { startDelete } from './start-delete.ts';
import { suggestName } from './suggest-name.ts';
import { admit, invalid, parse, requireConfig, requireDevices, withoutEmpty } from './validate.ts';
import type { InstanceDeps } from './instances.ts';
import { cliCommand } from './cli-command.ts';

type Writes = Pick<InstancesService, 'preview' | 'suggestName' | 'create' | 'put' | 'patch' | 'rename' | 'remove'>;

export function instanceEtag(row: InstanceRow): string {
  const { architecture, config, devices, ephemeral, profiles, description } = row;
  return etagOf([architecture, config, devices, ephemeral, profiles, description]);
}

export function createInstanceWrites(deps: InstanceDeps): Writes {
  return {
    async preview(context, request) {
      admit(context);
      const parsed = parse<CreateInstance>(createInstanceSchema, request);
      const plan = await planInstance(deps, context.project, parsed);
      const instance: Instance = toInstance(plan.row, 'Stopped', await profilesOf(deps, context.project));
      return { instance, command: cliCommand(parsed, plan.row.name), request: { ...parsed, name: plan.row.name } };
    },
    async suggestName(context) {
      admit(context);
      return suggestName(deps.store, context.project);
    },
    create: (context, request) => create(deps, context, request),
    async put(context, name, request, etag) {
      admit(context);
      const change = parse(putInstanceSchema, request);
      if (change.restore) return deps.snapshotRestore(context, name, change.restore);
      return startUpdate(deps, context, { name, etag }, (row) => ({
        description: change.description ?? '',
        ephemeral: change.ephemeral ?? false,
        profiles: change.profiles ?? ['default'],
        config: keepVolatile(row.config, change.config ?? {}),
        devices: change.devices ?? {},
      }));
    },
    async patch(context, name, request, etag) {
      admit(context);
      if (request !== null && typeof request === 'object' && 'restore' in request)
        throw invalid('restore', 'Restore with PUT');
      const change = parse(patchInstanceSchema, request);
      return startUpdate(deps, context, { name, etag }, (row) => ({
        description: change.description ?? row.description,
        ephemeral: change.ephemeral ?? row.ephemeral,
        profiles: change.profiles ?? row.profiles,
        config: keepVolatile(row.config, { ...row.config, ...(change.config ?? {}) }),
        devices: { ...row.devices, ...(change.devices ?? {}) },
      }));
    },
    async rename(context, name, newName) {
      admit(context);
      const to = parse(instanceNameSchema, newName, 'name');
      const row = await requireInstance(deps, context.project, name);
      await requireState(deps, row, 'rename');
      if (await deps.store.instances.findByName(context.project, to)) {
        throw new DomainError('exists', `There is an instance "${to}" already: choose another name`, {
          details: { field: 'name' },
        });
      }
      return deps.engine.startSaga(
        context,
        deps.sagas.instanceRename,
        { id: row.id, from: row.name, to, project: row.project, requestor: requestorOf(context) },
        {
          description: 'Renaming instance',
          locks: [`instance:${row.id}`, `instance-name:${row.project}/${to}`],
          resources: { instances: [instanceUrl(name)] },
        },
      );
    },
    async remove(context, name) {
      admit(context);
      const row = await requireInstance(deps, context.project, name);
      await requireState(deps, row, 'delete');
      const effective = await effectiveOf(deps.store, row);
      if (/^(true|1|yes|on)$/i.test(effective.config['security.protection.delete'] ?? '')) {
        throw new DomainError(
          'forbidden',
          `The instance "${name}" is protected: unset security.protection.delete first`,
        );
      }
      return startDelete(deps, context, row);
    },
  };
}

export async function requireState(
  deps: InstanceDeps,
  row: InstanceRow,
  action: Parameters<typeof whyNot>[0],
): Promise<void> {
  const { status } = await deps.runtime.instances.container.inspect({ id: row.id });
  const reason = whyNot(action, status);
  if (reason)
    throw new DomainError(
      'wrong-state',
      `Cannot ${action} the instance "${row.name}": ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`,
    );
}

async function create(deps: InstanceDeps, context: Context, request: unknown): Promise<Operation> {
  admit(context);
  const parsed = parse<CreateInstance>(createInstanceSchema, request);
  const plan = await planInstance(deps, context.project, parsed);
  const hold = await holdForCopy(deps, plan);
  const { row, ports, release } = await reservePlan(deps, plan);
  try {
    const copyOf = plan.origin.copyOf;
    const operation = await deps.engine.startSaga(
      context,
      deps.sagas.instanceCreate,
      {
        instance: row,
        pool: toPoolRef(plan.pool),
        ports,
        source: plan.origin.source,
        snapshots: plan.snapshots,
        hold,
        start: parsed.start ?? false,
        trigger: copyOf ? 'copy' : 'create',
        requestor: requestorOf(context),
      },
      {
        description: copyOf ? 'Copying instance' : 'Creating instance',
        locks: [
          `instance:${row.id}`,
          `instance-name:${row.project}/${row.name}`,
          `shared:pool:${plan.pool.id}`,
          ...(copyOf && copyOf.poolId !== plan.pool.id ? [`shared:pool:${copyOf.poolId}`] : []),
          ...(row.imageFingerprint && !copyOf ? [`shared:image:${row.imageFingerprint}`] : []),
          ...(copyOf ? [`shared:instance:${copyOf.id}`] : []),
        ],
        resources: { instances: [instanceUrl(row.name)] },
        cancelable: true,
      },
    );
    void deps.engine.wait(operation.id, -1).finally(release);
    return operation;
  } catch (error) {
    release();
    throw error;
  }
}

/** Volatile keys are the server's: they stay unless somebody takes one away; changing one is refused, but for what clients send back unchanged. */
function keepVolatile(before: Config, after: Config): Config {
  const next = { ...after };
  for (const [key, value] of Object.entries(next)) {
    if (key.startsWith('volatile.') && value !== '' && before[key] !== value)
      throw invalid(`config.${key}`, 'The server sets this key; it can only be taken away');
  }
  for (const [key, value] of Object.entries(before)) {
    if (key.startsWith('volatile.') && next[key] === undefined) {
      // A PUT without them is what forms and old clients send.
      next[key] = value;
    }
  }
  return withoutEmpty(next);
}

type Change = Pick<InstanceRow, 'description' | 'ephemeral' | 'profiles' | 'config' | 'devices'>;

async function startUpdate(
  deps: InstanceDeps,
  context: Context,
  on: { name: string; etag: string | undefined },
  make: (row: InstanceRow) => Change,
): Promise<Operation> {
  const row = await requireInstance(deps, context.project, on.name);
  requireMatch(on.etag, instanceEtag(row));
  const change = make(row);
  const readBack = Object.fromEntries(Object.entries(change.config).filter(([key]) => !key.startsWith('volatile.')));
  requireConfig('instance', readBack, { instanceType: row.type });
  requireDevices(change.devices, row.type);
  const before = await effectiveOf(deps.store, row);
  const after = await effectiveOf(deps.store, { ...row, ...change });
  requireDevices(after.devices, row.type);
  await checkReferences(deps, after.devices, { exceptInstance: row.id });
  requireSameRoot(before.devices, after.devices);
  return deps.engine.startTask(
    context,
    'instance-update',
    {
      description: 'Updating instance',
      locks: [`instance:${row.id}`],
      resources: { instances: [instanceUrl(row.name)] },
    },
    async () => {
      const updated = await deps.store.instances.update(row.id, change);
      const pending = await effectiveChange(deps, updated, before, after);
      publishLifecycle(deps, {
        action: 'instance-updated',
        source: instanceUrl(row.name),
        name: row.name,
        project: row.project,
        requestor: requestorOf(context),
      });
      return {
        ...(pending.keys.length > 0 ? { pending_restart: pending.keys } : {}),
        ...(pending.warnings.length > 0 ? { warnings: pending.warnings } : {}),
      };
    },
  );
}

/** The root disk stays where it is; its size may change. */
function requireSameRoot(before: Devices, after: Devices): void {
  const old = rootDisk(before);
  const now = rootDisk(after);
  if (!now) throw invalid('devices.root', 'The root disk cannot be taken away: keep a disk with path "/" and a pool');
  if (old && old.device.pool !== now.device.pool)
    throw invalid(`devices.${now.name}.pool`, 'The root disk cannot move to another pool');
  if (now.device.size && parseBytes(now.device.size) === null)
    throw invalid(`devices.${now.name}.size`, 'Give a size such as 10GiB');
}
