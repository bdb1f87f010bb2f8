import { DomainError, isDomainError } from '@stapes/contract/errors';
import {
  noTime,
  type Instance,
  type InstanceFull,
  type InstanceState,
  type InstanceStatus,
  type Snapshot,
} from '@stapes/contract/instance';
import { statusCodes } from '@stapes/contract/status';
import type { InstanceObservation, InstanceUsage } from '@stapes/runtime/instances/driver';
import type { InstanceRow, PoolRow, ProfileRow, SnapshotRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { expand, rootDisk, type Layer } from './expand.ts';
import { storageDriver, toPoolRef } from './machine.ts';

/** Rows and readings to what the API shows. */

export function timeOf(ms: number | null): string {
  return ms ? new Date(ms).toISOString() : noTime;
}

export function statusOf(deps: BaseDeps, id: string, observed: InstanceObservation | undefined): InstanceStatus {
  return deps.live.transitions.get(id) ?? observed?.status ?? 'Stopped';
}

export type Profiles = Map<string, ProfileRow>;
export async function profilesOf(deps: BaseDeps, project: string): Promise<Profiles> {
  return new Map(
    (await deps.store.profiles.list())
      .filter((profile) => profile.project === project)
      .map((profile) => [profile.name, profile]),
  );
}

function expandKnown(profiles: Profiles, row: Layer & { profiles: string[] }): Layer {
  return expand(
    row.profiles.flatMap((name) => profiles.get(name) ?? []),
    row,
  );
}

export function toInstance(row: InstanceRow, status: InstanceStatus, profiles: Profiles): Instance {
  const expanded = expandKnown(profiles, row);
  return {
    name: row.name,
    description: row.description,
    type: row.type,
    architecture: row.architecture,
    status,
    status_code: statusCodes[status],
    ephemeral: row.ephemeral,
    stateful: false,
    profiles: row.profiles,
    config: row.config,
    devices: row.devices,
    expanded_config: expanded.config,
    expanded_devices: expanded.devices,
    created_at: timeOf(row.createdAtMs),
    last_used_at: timeOf(row.lastUsedAtMs),
    location: 'none',
    project: row.project,
  };
}

export function toSnapshot(row: SnapshotRow, instance: InstanceRow, profiles: Profiles): Snapshot {
  const expanded = expandKnown(profiles, row);
  return {
    name: row.name,
    description: row.description,
    architecture: instance.architecture,
    config: row.config,
    devices: row.devices,
    expanded_config: expanded.config,
    expanded_devices: expanded.devices,
    created_at: timeOf(row.createdAtMs),
    expires_at: timeOf(row.expiresAtMs),
    last_used_at: noTime,
    ephemeral: row.ephemeral,
    profiles: row.profiles,
    stateful: false,
    size: -1,
  };
}

interface Readings {
  observed: InstanceObservation | undefined;
  usage: InstanceUsage | undefined;
  disk: { usedBytes: number; totalBytes: number } | undefined;
}

export function toState(
  status: InstanceStatus,
  rootDevice: string,
  { observed, usage, disk }: Readings,
): InstanceState {
  return {
    status,
    status_code: statusCodes[status],
    cpu: { usage: usage?.cpuNs ?? 0, allocated_time: 0 },
    disk: disk ? { [rootDevice]: { usage: disk.usedBytes, total: disk.totalBytes } } : {},
    memory: {
      usage: usage?.memoryBytes ?? 0,
      usage_peak: usage?.memoryPeakBytes ?? 0,
      total: usage?.memoryTotalBytes ?? 0,
      swap_usage: usage?.swapBytes ?? 0,
      swap_usage_peak: usage?.swapPeakBytes ?? 0,
    },
    network: usage?.network ?? {},
    pid: observed?.pid ?? 0,
    processes: usage?.processes ?? 0,
    started_at: timeOf(observed?.startedAtMs ?? 0),
  };
}

/** The instance of that name. One that is still made or already going is there for nobody but `list`. */
export async function requireInstance(deps: BaseDeps, project: string, name: string): Promise<InstanceRow> {
  const row = await deps.store.instances.findByName(project, name);
  if (!row || row.phase === 'deleting') throw new DomainError('not-found', `There is no instance "${name}"`);
  if (row.phase === 'creating')
    throw new DomainError('busy', `The instance "${name}" is still being created: wait until that has ended`);
  return row;
}

export async function visibleRows(deps: BaseDeps, project: string): Promise<InstanceRow[]> {
  return (await deps.store.instances.list()).filter((row) => row.project === project && row.phase === 'ready');
}

type DiskUsage = Map<string, { usedBytes: number; totalBytes: number }>;

/** One call a pool; a pool that is away has no figures, and the list goes on without. */
async function diskUsage(deps: BaseDeps, rows: InstanceRow[]): Promise<DiskUsage> {
  const all: DiskUsage = new Map();
  const byPool = new Map<string, string[]>();
  for (const row of rows) byPool.set(row.poolId, [...(byPool.get(row.poolId) ?? []), row.volumeId]);
  const pools = new Map<string, PoolRow>((await deps.store.pools.list()).map((pool) => [pool.id, pool]));
  for (const [poolId, volumeIds] of byPool) {
    const pool = pools.get(poolId);
    if (!pool) continue;
    try {
      const usage = await storageDriver(deps, pool.driver).volumes.usage(toPoolRef(pool), volumeIds);
      for (const [id, value] of usage) all.set(id, value);
    } catch (error) {
      deps.log.debug({ err: error, pool: pool.name }, 'no usage of this pool');
    }
  }
  return all;
}

/** Full objects of many instances by batch calls: one of the driver for states, one for usage, one a pool for disks, one for all snapshots. */
export async function fullViews(deps: BaseDeps, project: string, rows: InstanceRow[]): Promise<InstanceFull[]> {
  const driver = deps.runtime.instances.container;
  const [profiles, observed, disks, snapshots] = await Promise.all([
    profilesOf(deps, project),
    driver.inspectAll(),
    diskUsage(deps, rows),
    rows.length === 1 && rows[0] ? deps.store.snapshots.ofInstance(rows[0].id) : deps.store.snapshots.list(),
  ]);
  const running = rows.filter((row) => observed.has(row.id)).map((row) => ({ id: row.id }));
  const usage = running.length === 0 ? new Map<string, InstanceUsage>() : await driver.usage(running);
  const snapshotsOf = new Map<string, SnapshotRow[]>();
  for (const snapshot of snapshots) {
    if (snapshot.phase !== 'ready') continue;
    const list = snapshotsOf.get(snapshot.instanceId);
    if (list) list.push(snapshot);
    else snapshotsOf.set(snapshot.instanceId, [snapshot]);
  }
  return rows.map((row) => {
    const seen = observed.get(row.id);
    const status = statusOf(deps, row.id, seen);
    const instance = toInstance(row, status, profiles);
    const root = rootDisk(instance.expanded_devices)?.name ?? 'root';
    return {
      ...instance,
      backups: null,
      snapshots: (snapshotsOf.get(row.id) ?? []).map((snapshot) => toSnapshot(snapshot, row, profiles)),
      state: toState(status, root, { observed: seen, usage: usage.get(row.id), disk: disks.get(row.volumeId) }),
    };
  });
}

export function isCode(error: unknown, code: string): boolean {
  return isDomainError(error) && error.code === code;
}
