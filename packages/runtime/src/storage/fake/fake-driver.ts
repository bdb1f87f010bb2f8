import { cp, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { StorageDriver } from '../driver.ts';
import { createPoolLayout, exists } from '../layout.ts';
import { createTreeDriver } from '../tree-driver.ts';

export interface FakeStorageDriver extends StorageDriver {
  /** Directory that it all lies in; remove it after the test. */
  readonly directory: string;
  /** Limit of a volume's size, by id. */
  readonly quotas: Map<string, number>;
}

/** For tests: plain directories below a temporary one, by Node's own means, without root powers. Quotas are remembered and checked, not enforced. */
export function createFakeStorageDriver(options: { directory?: string } = {}): FakeStorageDriver {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'stapes-fake-storage-'));
  const quotas = new Map<string, number>();
  const layout = createPoolLayout(directory);
  const removeTree = (path: string) => rm(path, { recursive: true, force: true });
  const driver = createTreeDriver({
    name: 'fake',
    can: { quota: true, snapshotsAreCheap: true },
    stateDir: directory,
    probe: () => Promise.resolve(null),
    isAttached: (pool) => exists(layout.pool(pool)),
    attach: async (pool) => void (await mkdir(layout.pool(pool), { recursive: true, mode: 0o700 })),
    detach: (pool) => removeTree(layout.pool(pool)),
    operations: () => ({
      create: async (path) => void (await mkdir(path)),
      copy: (from, to) => cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true }),
      remove: removeTree,
      settle: () => Promise.resolve(),
      reclaim: () => Promise.resolve(),
      carryOver: () => Promise.resolve(),
      async setQuota(volume, bytes) {
        if (bytes === null) quotas.delete(volume.id);
        else if (bytes < (await sizeOf(layout.volume(volume))))
          throw new DomainError('no-space', 'The volume holds more than the new limit');
        else quotas.set(volume.id, bytes);
      },
      async usage(pool, volumeIds) {
        const found = new Map<string, { usedBytes: number; totalBytes: number }>();
        for (const id of volumeIds) {
          const path = layout.volume({ pool, id });
          if (await exists(path)) found.set(id, { usedBytes: await sizeOf(path), totalBytes: quotas.get(id) ?? 0 });
        }
        return found;
      },
    }),
  });
  return { ...driver, directory, quotas };
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
