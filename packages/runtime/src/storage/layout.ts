import { mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { ImageRef, PoolRef, SnapshotRef, SpaceUsage, VolumeRef } from './driver.ts';

/**
 * Where things lie: `<stateDir>/storage-pools/<pool>/{images,volumes,snapshots}`. Names that begin with a dot are work in progress, and are
 * nobody's. The pool's directory is 0700: a file in it may be setuid and belong to host root (ids are as inside), so no host user may reach it.
 */
export interface PoolLayout {
  pool(ref: PoolRef): string;
  images(ref: PoolRef): string;
  volumes(ref: PoolRef): string;
  snapshots(ref: PoolRef): string;
  image(ref: ImageRef): string;
  volume(ref: VolumeRef): string;
  snapshotsOf(ref: VolumeRef): string;
  snapshot(ref: SnapshotRef): string;
  /** Loop file of a pool. */
  disk(ref: PoolRef): string;
}

export function createPoolLayout(stateDir: string): PoolLayout {
  const pool = (ref: PoolRef) => join(stateDir, 'storage-pools', mintedId(ref.id));
  const layout: PoolLayout = {
    pool,
    images: (ref) => join(pool(ref), 'images'),
    volumes: (ref) => join(pool(ref), 'volumes'),
    snapshots: (ref) => join(pool(ref), 'snapshots'),
    image: (ref) => join(layout.images(ref.pool), fingerprint(ref.fingerprint)),
    volume: (ref) => join(layout.volumes(ref.pool), mintedId(ref.id)),
    snapshotsOf: (ref) => join(layout.snapshots(ref.pool), mintedId(ref.id)),
    snapshot: (ref) => join(layout.snapshotsOf(ref), mintedId(ref.snapshotId)),
    disk: (ref) => join(stateDir, 'disks', `${mintedId(ref.id)}.img`),
  };
  return layout;
}

function mintedId(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id))
    throw new DomainError('internal', `"${id.slice(0, 80)}" is not an id that the server made`);
  return id;
}

function fingerprint(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new DomainError('invalid', 'An image fingerprint is 64 lower-case hexadecimal digits');
  return text;
}

export async function exists(path: string): Promise<boolean> {
  return (await statOrNull(path)) !== null;
}

async function statOrNull(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
}

export async function makeFolders(layout: PoolLayout, pool: PoolRef): Promise<void> {
  for (const path of [layout.images(pool), layout.volumes(pool), layout.snapshots(pool)])
    await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Names in a directory that are not work in progress; none when it is not there. */
export async function entries(directory: string): Promise<string[]> {
  return (await namesIn(directory)).filter((name) => !name.startsWith('.'));
}

/** What a crash has left behind. */
export async function leftovers(directory: string): Promise<string[]> {
  return (await namesIn(directory)).filter((name) => name.startsWith('.')).map((name) => join(directory, name));
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

export async function spaceOf(path: string): Promise<SpaceUsage> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(path);
  return {
    usedBytes: (blocks - bavail) * bsize,
    totalBytes: blocks * bsize,
    inodesUsed: files - ffree,
    inodesTotal: files,
  };
}

export function missing(what: string, id: string): DomainError {
  return new DomainError('not-found', `The ${what} ${id} is not in the storage pool`);
}

export async function refuseWhileInUse(layout: PoolLayout, pool: PoolRef): Promise<void> {
  const volumes = await entries(layout.volumes(pool));
  if (volumes.length > 0)
    throw new DomainError(
      'in-use',
      `The storage pool still holds ${volumes.length} volume${volumes.length === 1 ? '' : 's'}; delete them first`,
    );
}
