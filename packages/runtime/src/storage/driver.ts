/**
 * A storage pool holds images (unpacked once) and volumes (one an instance), each with snapshots. All verbs are idempotent. A driver
 * describes where a volume is; whoever runs the instance mounts it. Paths are made of ids that the server minted, never of users' names.
 */
export interface PoolRef {
  /** Minted id. */
  id: string;
  driver: string;
  /** `source`, `size` and the like, validated by the registry. */
  config: Record<string, string>;
}
export interface VolumeRef {
  pool: PoolRef;
  /** Minted id of the volume. */
  id: string;
}
export interface SnapshotRef extends VolumeRef {
  snapshotId: string;
}
export interface ImageRef {
  pool: PoolRef;
  /** SHA-256. */
  fingerprint: string;
}
/** Bytes. */
export interface SpaceUsage {
  usedBytes: number;
  totalBytes: number;
  inodesUsed: number;
  inodesTotal: number;
}

export interface StorageDriver {
  readonly name: string;
  readonly can: { quota: boolean; snapshotsAreCheap: boolean };
  /** Probes the host: null when it can be used, else why not, for people. */
  probe(): Promise<string | null>;
  /** Creates the backing (loop file, file system) when absent and mounts it. Also the verb that brings a pool back after a reboot. */
  ensurePool(pool: PoolRef): Promise<void>;
  /** Unmounts it and deletes its backing. Absent is fine. `in-use` when volumes are left. */
  removePool(pool: PoolRef): Promise<void>;
  poolUsage(pool: PoolRef): Promise<SpaceUsage>;
  readonly volumes: VolumeVerbs;
  readonly images: ImageVerbs;
}

export interface VolumeVerbs {
  /** An empty volume. */
  ensureEmpty(volume: VolumeRef): Promise<void>;
  /** A new volume from an unpacked image: snapshot or reflink. */
  ensureFromImage(volume: VolumeRef, image: ImageRef): Promise<void>;
  /** A new volume, or snapshot of one, from another or from a snapshot, of the same pool. */
  ensureFromVolume(target: VolumeRef | SnapshotRef, source: VolumeRef | SnapshotRef): Promise<void>;
  /** The same from a root file system that lies anywhere on this host (another pool): owners, modes, times, links and attributes as they are. */
  ensureFromTree(target: VolumeRef | SnapshotRef, directory: string): Promise<void>;
  remove(volume: VolumeRef): Promise<void>;
  /** Null lifts the limit. `no-space` when it is below what is used. */
  setQuota(volume: VolumeRef, bytes: number | null): Promise<void>;
  /** Usage of many volumes at once: no spawn a volume. Absent when unknown; `totalBytes` is the limit, 0 without one. */
  usage(pool: PoolRef, volumeIds: string[]): Promise<Map<string, { usedBytes: number; totalBytes: number }>>;
  ensureSnapshot(snapshot: SnapshotRef): Promise<void>;
  removeSnapshot(snapshot: SnapshotRef): Promise<void>;
  /** Volume becomes what the snapshot was. A crash in the middle leaves either the old or the new, and a repeat finishes. */
  restoreSnapshot(snapshot: SnapshotRef): Promise<void>;
  /** Host directory of the root file system (mode 0700/0711 parents, root-owned). */
  rootfs(volume: VolumeRef): string;
  snapshotRootfs(snapshot: SnapshotRef): string;
}

export interface ImageVerbs {
  has(image: ImageRef): Promise<boolean>;
  /** Calls `fill` with an empty directory that becomes the image's root file system; a crash leaves nothing that `has` would find. */
  ensure(image: ImageRef, fill: (rootfsDirectory: string) => Promise<void>): Promise<void>;
  remove(image: ImageRef): Promise<void>;
}
