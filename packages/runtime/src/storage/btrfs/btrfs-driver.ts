import type { StorageDriver } from '../driver.ts';
import { createPoolLayout } from '../layout.ts';
import { createTreeDriver } from '../tree-driver.ts';
import { attachPool, detachPool, isMounted, probeBtrfs } from './btrfs-pool.ts';
import { createSubvolumeOperations } from './subvolumes.ts';

/** A btrfs file system in a loop file, on a block device, or below a directory of one that is there; volumes and images are subvolumes. */
export function createBtrfsDriver({ stateDir }: { stateDir: string }): StorageDriver {
  const layout = createPoolLayout(stateDir);
  return createTreeDriver({
    name: 'btrfs',
    can: { quota: true, snapshotsAreCheap: true },
    stateDir,
    probe: () => probeBtrfs(stateDir),
    isAttached: (pool) => isMounted(layout.pool(pool)),
    attach: (pool) => attachPool(layout, pool),
    detach: (pool) => detachPool(layout, pool),
    operations: createSubvolumeOperations,
  });
}
