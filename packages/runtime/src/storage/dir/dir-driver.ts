import { chmod, mkdir, rmdir } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import { run } from '../../host/run.ts';
import type { StorageDriver } from '../driver.ts';
import { copyTree } from '../copy-tree.ts';
import { createPoolLayout, exists } from '../layout.ts';
import { createTreeDriver, type TreeOperations } from '../tree-driver.ts';

const longMs = 60 * 60_000;

/** Plain directories in the state directory. Copies share blocks where the file system can (reflink); there are no limits on size. */
export function createDirDriver({ stateDir }: { stateDir: string }): StorageDriver {
  const layout = createPoolLayout(stateDir);
  return createTreeDriver({
    name: 'dir',
    can: { quota: false, snapshotsAreCheap: false },
    stateDir,
    probe: () => Promise.resolve(null),
    isAttached: (pool) => exists(layout.pool(pool)),
    async attach(pool) {
      if (pool.config.source)
        throw new DomainError(
          'unsupported',
          'A pool of the driver "dir" lies in the state directory; it takes no source',
        );
      await mkdir(layout.pool(pool), { recursive: true, mode: 0o700 });
      await chmod(layout.pool(pool), 0o700);
    },
    async detach(pool) {
      for (const path of [layout.images(pool), layout.volumes(pool), layout.snapshots(pool), layout.pool(pool)]) {
        await rmdir(path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error;
        });
      }
    },
    operations: () => dirOperations,
  });
}

const dirOperations: TreeOperations = {
  async create(path) {
    await mkdir(path, { mode: 0o755 });
    await chmod(path, 0o755);
  },
  copy: copyTree,
  remove: async (path) =>
    void (await run('rm', ['--recursive', '--force', '--one-file-system', '--', path], { timeoutMs: longMs })),
  settle: async (path) => void (await run('sync', ['--file-system', '--', path], { timeoutMs: longMs })),
  reclaim: () => Promise.resolve(),
  carryOver: () => Promise.resolve(),
  setQuota: (_volume, bytes) =>
    bytes === null
      ? Promise.resolve()
      : Promise.reject(
          new DomainError(
            'unsupported',
            'A pool of the driver "dir" cannot limit the size of a volume; use a btrfs pool',
          ),
        ),
  // Counting files of every volume would take minutes, and there is no limit to hold it against.
  usage: () => Promise.resolve(new Map()),
};
