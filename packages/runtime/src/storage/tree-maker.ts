import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { PoolRef } from './driver.ts';
import { exists } from './layout.ts';
import type { TreeOperations } from './tree-driver.ts';

const randomId = () => randomBytes(6).toString('hex');

/**
 * Every tree is made under a name with a dot and then renamed, so that whatever has its name is whole; removal goes the other way about. A
 * crash leaves names with dots, which `ensurePool` clears away when the server starts.
 */
export function createTreeMaker(trees: TreeOperations) {
  const session = randomId();
  const besideOf = (path: string, kind: 'new' | 'gone') => join(dirname(path), `.${kind}-${session}-${randomId()}`);

  async function removeTree(path: string, pool: PoolRef): Promise<void> {
    if (!(await exists(path))) return;
    const aside = besideOf(path, 'gone');
    try {
      await rename(path, aside);
    } catch (error) {
      // A pool that is full to the brim has no room for a new name, but what frees room it lets through.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      return trees.remove(path, pool);
    }
    await trees.remove(aside, pool);
  }
  /** Makes a tree by `fill` under another name, then gives it its own. */
  async function ensureTree(
    path: string,
    pool: PoolRef,
    fill: (path: string) => Promise<void>,
    settle: boolean,
  ): Promise<void> {
    if (await exists(path)) return;
    const partial = besideOf(path, 'new');
    try {
      await fill(partial);
      if (settle) await trees.settle(partial);
      await rename(partial, path);
    } catch (error) {
      await trees.remove(partial, pool).catch(() => undefined);
      throw error;
    }
  }
  /** The same without waiting for the disk, and once more when room can be found. */
  async function fillTwice(path: string, pool: PoolRef, fill: (partial: string) => Promise<void>): Promise<void> {
    const copy = () => ensureTree(path, pool, fill, false);
    await copy().catch(async (error: unknown) => {
      if (!(error instanceof DomainError) || error.code !== 'no-space') throw error;
      await trees.reclaim(pool);
      await copy();
    });
  }
  return { session, besideOf, removeTree, ensureTree, fillTwice };
}
