import { mkdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageVerbs, PoolRef, SnapshotRef, StorageDriver, VolumeRef } from './driver.ts';
import { copyTree } from './copy-tree.ts';
import {
  createPoolLayout,
  entries,
  exists,
  leftovers,
  makeFolders,
  missing,
  refuseWhileInUse,
  spaceOf,
  type PoolLayout,
} from './layout.ts';
import { renameAndExchange } from './rename-exchange.ts';
import { createTreeMaker } from './tree-maker.ts';

export interface CopyOptions {
  readOnly: boolean;
  /** It was never an instance's, so that nothing but files is in it. */
  pristine: boolean;
}
/** What differs between kinds of pools in which every volume, snapshot and image is a directory tree of its own. */
export interface TreeOperations {
  /** A new, empty tree. */
  create(path: string): Promise<void>;
  /** A new tree like another; what is made at `to` may be partial when it throws. */
  copy(from: string, to: string, options: CopyOptions): Promise<void>;
  /** Absent is fine; partial ones too. */
  remove(path: string, pool: PoolRef): Promise<void>;
  /** Called before a tree takes its name, so that no power cut leaves a name with half of what it stands for. */
  settle(path: string): Promise<void>;
  /** Room that was freed lately is free now. */
  reclaim(pool: PoolRef): Promise<void>;
  /** Called with the old and the new tree of a volume, before they are exchanged. */
  carryOver(from: string, to: string): Promise<void>;
  setQuota: StorageDriver['volumes']['setQuota'];
  usage: StorageDriver['volumes']['usage'];
}
export interface TreeDriverParts {
  name: string;
  can: StorageDriver['can'];
  stateDir: string;
  probe: StorageDriver['probe'];
  /** Makes the pool's directory be there, with its file system in it. */
  attach(pool: PoolRef): Promise<void>;
  isAttached(pool: PoolRef): Promise<boolean>;
  /** Takes away the file system and what it lies on. */
  detach(pool: PoolRef): Promise<void>;
  operations(layout: PoolLayout): TreeOperations;
}

const plain: CopyOptions = { readOnly: false, pristine: false };

export function createTreeDriver(parts: TreeDriverParts): StorageDriver {
  const layout = createPoolLayout(parts.stateDir);
  const trees = parts.operations(layout);

  const { session, besideOf, removeTree, ensureTree, fillTwice } = createTreeMaker(trees);

  async function ensureCopy(path: string, pool: PoolRef, from: string, options: CopyOptions): Promise<void> {
    await fillTwice(path, pool, (partial) => trees.copy(from, partial, options));
  }
  /** But for those of a session, which may be work in progress. */
  async function clearLeftovers(pool: PoolRef, except?: string): Promise<void> {
    const folders = [layout.images(pool), layout.volumes(pool), layout.snapshots(pool)];
    for (const id of await entries(layout.snapshots(pool))) folders.push(join(layout.snapshots(pool), id));
    const found = (await Promise.all(folders.map(leftovers))).flat();
    for (const path of found) if (except === undefined || !path.includes(`-${except}-`)) await trees.remove(path, pool);
  }
  const pathOf = (ref: VolumeRef | SnapshotRef) => ('snapshotId' in ref ? layout.snapshot(ref) : layout.volume(ref));
  async function placeOf(target: VolumeRef | SnapshotRef): Promise<string> {
    if ('snapshotId' in target) await mkdir(layout.snapshotsOf(target), { recursive: true, mode: 0o700 });
    return pathOf(target);
  }

  return {
    name: parts.name,
    can: parts.can,
    probe: parts.probe,
    async ensurePool(pool) {
      await parts.attach(pool);
      await makeFolders(layout, pool);
      await clearLeftovers(pool, session);
    },
    async removePool(pool) {
      if (!(await exists(layout.pool(pool))) && !(await exists(layout.disk(pool)))) return;
      await refuseWhileInUse(layout, pool);
      await clearLeftovers(pool);
      for (const name of await entries(layout.images(pool))) await removeTree(join(layout.images(pool), name), pool);
      await parts.detach(pool);
    },
    poolUsage: (pool) => spaceOf(layout.pool(pool)),
    volumes: {
      ensureEmpty: (volume) => ensureTree(layout.volume(volume), volume.pool, (path) => trees.create(path), false),
      async ensureFromImage(volume, image) {
        const from = layout.image(image);
        if (!(await exists(from))) throw missing('image', image.fingerprint);
        await ensureCopy(layout.volume(volume), volume.pool, from, { readOnly: false, pristine: true });
      },
      async ensureFromVolume(target, source) {
        const from = pathOf(source);
        if (!(await exists(from))) throw missing('snapshotId' in source ? 'snapshot' : 'volume', source.id);
        await ensureCopy(await placeOf(target), target.pool, from, {
          readOnly: 'snapshotId' in target,
          pristine: false,
        });
      },
      async ensureFromTree(target, directory) {
        if (!(await exists(directory))) throw missing('root file system', directory);
        await fillTwice(await placeOf(target), target.pool, async (partial) => {
          await trees.create(partial);
          await copyTree(directory, partial);
        });
      },
      async remove(volume) {
        for (const name of await entries(layout.snapshotsOf(volume)))
          await removeTree(join(layout.snapshotsOf(volume), name), volume.pool);
        for (const path of await leftovers(layout.snapshotsOf(volume))) await trees.remove(path, volume.pool);
        await rmdir(layout.snapshotsOf(volume)).catch(ignoreAbsent);
        await removeTree(layout.volume(volume), volume.pool);
      },
      async setQuota(volume, bytes) {
        if (!(await exists(layout.volume(volume)))) throw missing('volume', volume.id);
        await trees.setQuota(volume, bytes);
      },
      usage: trees.usage,
      async ensureSnapshot(snapshot) {
        const from = layout.volume(snapshot);
        if (!(await exists(from))) throw missing('volume', snapshot.id);
        await mkdir(layout.snapshotsOf(snapshot), { recursive: true, mode: 0o700 });
        await ensureCopy(layout.snapshot(snapshot), snapshot.pool, from, { readOnly: true, pristine: false });
      },
      async removeSnapshot(snapshot) {
        await removeTree(layout.snapshot(snapshot), snapshot.pool);
        await rmdir(layout.snapshotsOf(snapshot)).catch(ignoreAbsent);
      },
      async restoreSnapshot(snapshot) {
        const [from, to] = [layout.snapshot(snapshot), layout.volume(snapshot)];
        if (!(await exists(from))) throw missing('snapshot', snapshot.snapshotId);
        const beside = besideOf(to, 'new');
        try {
          await trees.copy(from, beside, plain);
          await trees.settle(beside);
          if (await exists(to)) {
            await trees.carryOver(to, beside);
            renameAndExchange(beside, to);
          } else await rename(beside, to);
        } finally {
          await trees.remove(beside, snapshot.pool);
        }
      },
      rootfs: (volume) => layout.volume(volume),
      snapshotRootfs: (snapshot) => layout.snapshot(snapshot),
    },
    images: imageVerbs({ layout, trees, ensureTree, removeTree }),
  };
}

interface TreeVerbs {
  layout: PoolLayout;
  trees: TreeOperations;
  ensureTree(path: string, pool: PoolRef, fill: (path: string) => Promise<void>, settle: boolean): Promise<void>;
  removeTree(path: string, pool: PoolRef): Promise<void>;
}

function imageVerbs({ layout, trees, ensureTree, removeTree }: TreeVerbs): ImageVerbs {
  return {
    has: (image) => exists(layout.image(image)),
    async ensure(image, fill) {
      if (await exists(layout.image(image))) return;
      await trees.reclaim(image.pool);
      const make = async (path: string) => {
        await trees.create(path);
        await fill(path);
      };
      await ensureTree(layout.image(image), image.pool, make, true);
    },
    remove: (image) => removeTree(layout.image(image), image.pool),
  };
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error;
}
