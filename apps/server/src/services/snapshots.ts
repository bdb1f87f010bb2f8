import { DomainError } from '@stapes/contract/errors';
import { createSnapshotSchema } from '@stapes/contract/instance';
import { snapshotNameSchema } from '@stapes/contract/names';
import type { Operation } from '@stapes/contract/operation';
import { z } from 'zod';
import { mintId } from '../store/mint-id.ts';
import type { InstanceRow, SnapshotRow } from '../store/store.ts';
import type { Context } from './context.ts';
import { holdForSnapshot } from './copy-hold.ts';
import { etagOf, requireMatch } from './etag.ts';
import type { InstanceDeps } from './instances.ts';
import { profilesOf, requireInstance, toSnapshot } from './instance-views.ts';
import { requireState } from './instance-writes.ts';
import { instanceUrl, publishLifecycle, requestorOf, snapshotUrl } from './lifecycle.ts';
import { effectiveOf, toPoolRef } from './machine.ts';
import type { SnapshotsService } from './services.ts';
import { expandCreationDate, expiryAfter } from './snapshot-times.ts';
import { admit, invalid, parse, requireDevices } from './validate.ts';

type SnapshotDeps = Omit<InstanceDeps, 'snapshotRestore'>;

const updateSchema = z.object({ expires_at: z.string().max(64).nullish() });

/** Epoch ms of an `expires_at`; null for "never" in all its spellings. */
export function parseExpiry(text: string | null | undefined): number | null {
  if (!text || text.startsWith('0001-01-01')) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalid('expires_at', 'Give a time such as 2030-01-31T12:00:00Z');
  return ms;
}

const etag = (row: SnapshotRow) => etagOf([row.expiresAtMs]);

async function requireSnapshot(deps: SnapshotDeps, instance: InstanceRow, name: string): Promise<SnapshotRow> {
  const row = await deps.store.snapshots.findByName(instance.id, name);
  if (!row || row.phase !== 'ready')
    throw new DomainError('not-found', `The instance "${instance.name}" has no snapshot "${name}"`);
  return row;
}

/** The next name of the pattern that is free; `%d` counts up, and a pattern without it gets `-0`, `-1` ... once it is taken. */
export function nextSnapshotName(pattern: string, taken: ReadonlySet<string>): string {
  for (let number = 0; ; number++) {
    const name = pattern.includes('%d')
      ? pattern.replaceAll('%d', String(number))
      : number === 0
        ? pattern
        : `${pattern}-${number - 1}`;
    if (!taken.has(name)) return name;
  }
}

async function create(deps: SnapshotDeps, context: Context, instance: string, request: unknown): Promise<Operation> {
  admit(context);
  const parsed = parse(createSnapshotSchema, request ?? {});
  if (parsed.stateful)
    throw new DomainError('unsupported', 'Stateful snapshots are not supported', { details: { field: 'stateful' } });
  const row = await requireInstance(deps, context.project, instance);
  const others = await deps.store.snapshots.ofInstance(row.id);
  const taken = new Set(others.map(({ name }) => name));
  const effective = await effectiveOf(deps.store, row);
  const nowMs = Date.now();
  const pattern = expandCreationDate(effective.config['snapshots.pattern'] ?? 'snap%d', nowMs);
  const name = parsed.name ? parsed.name : nextSnapshotName(pattern, taken);
  parse(snapshotNameSchema, name, 'name');
  if (taken.has(name))
    throw new DomainError(
      'exists',
      `The instance "${instance}" has a snapshot "${name}" already: choose another name`,
      { details: { field: 'name' } },
    );
  const snapshot: SnapshotRow = {
    id: mintId(),
    instanceId: row.id,
    name,
    description: '',
    config: row.config,
    devices: row.devices,
    profiles: row.profiles,
    ephemeral: row.ephemeral,
    phase: 'creating',
    createdAtMs: nowMs,
    // None given is as the instance says; `0001-01-01` is never.
    expiresAtMs: parsed.expires_at
      ? parseExpiry(parsed.expires_at)
      : expiryAfter(effective.config['snapshots.expiry'], nowMs),
  };
  return deps.engine.startSaga(
    context,
    deps.sagas.snapshotCreate,
    {
      snapshot,
      instance,
      project: row.project,
      volumeId: row.volumeId,
      pool: toPoolRef(await deps.store.pools.get(row.poolId)),
      hold: await holdForSnapshot(deps, row),
      requestor: requestorOf(context),
    },
    {
      description: 'Snapshotting instance',
      locks: [`instance:${row.id}`],
      resources: { instances: [instanceUrl(instance)], instances_snapshots: [snapshotUrl(instance, name)] },
    },
  );
}

/** Restore of an instance; its configuration goes through the same checks as a change by hand. */
export async function restoreSnapshot(
  deps: SnapshotDeps,
  context: Context,
  instance: string,
  name: string,
): Promise<Operation> {
  const row = await requireInstance(deps, context.project, instance);
  // Clients name it `snap` or `instance/snap`.
  const short = name.startsWith(`${instance}/`) ? name.slice(instance.length + 1) : name;
  const snapshot = await requireSnapshot(deps, row, short);
  await requireState(deps as InstanceDeps, row, 'restore');
  requireDevices((await effectiveOf(deps.store, { ...snapshot, project: row.project })).devices, row.type);
  const { status } = await deps.runtime.instances.container.inspect({ id: row.id });
  return deps.engine.startSaga(
    context,
    deps.sagas.instanceRestore,
    {
      id: row.id,
      name: row.name,
      project: row.project,
      volumeId: row.volumeId,
      pool: toPoolRef(await deps.store.pools.get(row.poolId)),
      snapshot,
      wasRunning: status === 'Running' || status === 'Frozen',
      requestor: requestorOf(context),
    },
    {
      description: 'Restoring snapshot',
      locks: [`instance:${row.id}`],
      resources: { instances: [instanceUrl(instance)] },
    },
  );
}

export function createSnapshotsService(deps: SnapshotDeps): SnapshotsService {
  const found = async (context: Context, instance: string, name: string) => {
    admit(context);
    const row = await requireInstance(deps, context.project, instance);
    return { row, snapshot: await requireSnapshot(deps, row, name) };
  };
  const options = (description: string, row: InstanceRow, name: string) => ({
    description,
    locks: [`instance:${row.id}`],
    resources: { instances: [instanceUrl(row.name)], instances_snapshots: [snapshotUrl(row.name, name)] },
  });
  return {
    async list(context, instance) {
      admit(context);
      const row = await requireInstance(deps, context.project, instance);
      const profiles = await profilesOf(deps, context.project);
      return (await deps.store.snapshots.ofInstance(row.id))
        .filter(({ phase }) => phase === 'ready')
        .map((snapshot) => toSnapshot(snapshot, row, profiles));
    },
    async get(context, instance, name) {
      const { row, snapshot } = await found(context, instance, name);
      return { value: toSnapshot(snapshot, row, await profilesOf(deps, context.project)), etag: etag(snapshot) };
    },
    create: (context, instance, request) => create(deps, context, instance, request),
    async rename(context, instance, name, newName) {
      const { row, snapshot } = await found(context, instance, name);
      const to = parse(snapshotNameSchema, newName, 'name');
      if (await deps.store.snapshots.findByName(row.id, to)) {
        throw new DomainError(
          'exists',
          `The instance "${instance}" has a snapshot "${to}" already: choose another name`,
          { details: { field: 'name' } },
        );
      }
      return deps.engine.startTask(context, 'snapshot-rename', options('Renaming snapshot', row, name), async () => {
        await deps.store.snapshots.update(snapshot.id, { name: to });
        publishLifecycle(deps, {
          action: 'instance-snapshot-renamed',
          source: snapshotUrl(instance, to),
          name: instance,
          project: row.project,
          requestor: requestorOf(context),
          context: { old_name: name },
        });
      });
    },
    async update(context, instance, name, request, match) {
      const { row, snapshot } = await found(context, instance, name);
      requireMatch(match, etag(snapshot));
      const expiresAtMs = parseExpiry(parse(updateSchema, request).expires_at);
      return deps.engine.startTask(context, 'snapshot-update', options('Updating snapshot', row, name), async () => {
        await deps.store.snapshots.update(snapshot.id, { expiresAtMs });
        publishLifecycle(deps, {
          action: 'instance-snapshot-updated',
          source: snapshotUrl(instance, name),
          name: instance,
          project: row.project,
          requestor: requestorOf(context),
        });
      });
    },
    async remove(context, instance, name) {
      const { row, snapshot } = await found(context, instance, name);
      return deps.engine.startSaga(
        context,
        deps.sagas.snapshotDelete,
        {
          snapshot,
          instance,
          project: row.project,
          volumeId: row.volumeId,
          pool: toPoolRef(await deps.store.pools.get(row.poolId)),
          requestor: requestorOf(context),
        },
        options('Deleting snapshot', row, name),
      );
    },
  };
}
