import { chmod, lstat, statfs } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { run } from '../../host/run.ts';
import type { VolumeRef } from '../driver.ts';
import type { PoolLayout } from '../layout.ts';
import type { CopyOptions, TreeOperations } from '../tree-driver.ts';
import { copyNested } from './nested-copy.ts';
import { tryDestroy, trySnapshot } from './subvolume-calls.ts';

const firstInode = 256;
const comfortableBytes = 4 * 1024 ** 3;
const longMs = 30 * 60_000;
const btrfs = (...args: string[]) => run('btrfs', args, { timeoutMs: longMs });

export function createSubvolumeOperations(layout: PoolLayout): TreeOperations {
  return {
    async create(path) {
      await btrfs('subvolume', 'create', '--', path);
      await chmod(path, 0o755);
    },
    copy: copySubvolume,
    remove: removeSubvolume,
    settle: async (path) => void (await btrfs('filesystem', 'sync', path)),
    reclaim: (pool) => reclaim(layout.pool(pool)),
    async carryOver(from, to) {
      const limit = (await ownQgroup(from))?.limitBytes ?? null;
      if (limit !== null) await btrfs('qgroup', 'limit', '--', String(limit), to);
    },
    setQuota: (volume, bytes) => setQuota(layout.volume(volume), volume, bytes),
    usage: (pool, ids) => readUsage(layout.pool(pool), ids),
  };
}

/**
 * Deleted subvolumes give their room back in the background, at the next commit or later; what is made right after would find the pool full.
 * When room is short, the commit is made now and waited for. (The command looks once a second, so it is not run without need.)
 */
async function reclaim(mount: string): Promise<void> {
  const { bavail, bsize } = await statfs(mount);
  if (bavail * bsize > comfortableBytes) return;
  await btrfs('filesystem', 'sync', mount);
  await run('btrfs', ['subvolume', 'sync', mount], { timeoutMs: 120_000 }).catch(() => undefined);
  await btrfs('filesystem', 'sync', mount);
}

async function isSubvolume(path: string): Promise<boolean> {
  const info = await lstat(path).catch(() => null);
  return info !== null && info.isDirectory() && info.ino === firstInode;
}

/** The command, when the kernel has refused, says why. */
async function snapshot(from: string, to: string, readOnly: boolean): Promise<void> {
  if (!(await trySnapshot(from, to, readOnly)))
    await btrfs('subvolume', 'snapshot', ...(readOnly ? ['-r'] : []), '--', from, to);
}

/** Subvolumes that the instance itself has made come along: a snapshot alone leaves empty directories in their places. */
async function copySubvolume(from: string, to: string, { readOnly, pristine }: CopyOptions): Promise<void> {
  const nested = pristine ? [] : await nestedSubvolumes(from);
  const sealed = readOnly && nested.length === 0;
  await snapshot(from, to, sealed);
  for (const path of nested) await copyNested({ from, to, path }, (source, target) => snapshot(source, target, false));
  if (readOnly && nested.length > 0) await btrfs('property', 'set', '-t', 'subvol', to, 'ro', 'true');
}

const nestedTests = ['-mindepth', '1', '-type', 'd', '-inum', String(firstInode)];

/**
 * Below `path`, outermost first. The list of all subvolumes only tells whether to look: names in it may hold line breaks, so that it could
 * say anything. The search follows no links. A name that is no UTF-8 is left out (an empty directory takes its place in a copy).
 */
async function nestedSubvolumes(path: string): Promise<string[]> {
  // Asked of the directory that it lies in: asked of a subvolume, the command gives paths of two kinds.
  const { stdout: list } = await btrfs('subvolume', 'list', '--', dirname(path));
  if (!list.includes(`${relative(join(path, '../..'), path)}/`)) return [];
  const { stdout } = await run('find', [path, ...nestedTests, '-printf', '%P\\0'], { timeoutMs: longMs });
  return stdout.split('\0').filter((name) => name !== '' && !name.includes('\ufffd'));
}

async function removeSubvolume(path: string): Promise<void> {
  if ((await lstat(path).catch(() => null)) === null) return;
  if (!(await isSubvolume(path))) {
    await run('rm', ['--recursive', '--force', '--one-file-system', '--', path], { timeoutMs: longMs });
    return;
  }
  if (await tryDestroy(path)) return;
  try {
    await btrfs('subvolume', 'delete', '--', path);
  } catch (error) {
    if (!(error instanceof DomainError) || !/not empty/i.test(error.details.stderr ?? '')) throw error;
    // Nothing can be deleted in a read-only one. `find` hands the names on as they are, and follows no links.
    const writable = ['btrfs', 'property', 'set', '-f', '-t', 'subvol'];
    await btrfs(...writable.slice(1), path, 'ro', 'false');
    await run('find', [path, ...nestedTests, '-exec', ...writable, '{}', 'ro', 'false', ';'], { timeoutMs: longMs });
    await run('find', [path, '-depth', ...nestedTests, '-exec', 'btrfs', 'subvolume', 'delete', '--', '{}', ';'], {
      timeoutMs: longMs,
    });
    await btrfs('subvolume', 'delete', '--', path);
  }
}

async function setQuota(path: string, volume: VolumeRef, bytes: number | null): Promise<void> {
  if (bytes !== null) {
    const used = (await ownQgroup(path, true))?.usedBytes ?? 0;
    if (used > bytes)
      throw new DomainError('no-space', `The volume holds ${used} bytes, more than the new limit of ${bytes}`, {
        details: { volume: volume.id },
      });
  }
  await btrfs('qgroup', 'limit', '--', bytes === null ? 'none' : String(bytes), path);
}

export interface Qgroup {
  path: string;
  usedBytes: number;
  limitBytes: number | null;
}

/** Lines of `btrfs qgroup show --raw -r`: id, referenced, exclusive, most referenced, path. */
export function parseQgroups(output: string): Qgroup[] {
  const groups: Qgroup[] = [];
  for (const line of output.split('\n')) {
    const match = /^0\/\d+\s+(\d+)\s+\d+\s+(\d+|none)\s+(.+?)\s*$/.exec(line);
    if (match)
      groups.push({
        usedBytes: Number(match[1]),
        limitBytes: match[2] === 'none' ? null : Number(match[2]),
        path: match[3] ?? '',
      });
  }
  return groups;
}

/** Null when quotas are off. */
async function ownQgroup(path: string, sync = false): Promise<Qgroup | null> {
  const result = await run('btrfs', [
    'qgroup',
    'show',
    '--raw',
    '-r',
    '-f',
    ...(sync ? ['--sync'] : []),
    '--',
    path,
  ]).catch(() => null);
  return result ? (parseQgroups(result.stdout)[0] ?? null) : null;
}

async function readUsage(
  mount: string,
  ids: string[],
): Promise<Map<string, { usedBytes: number; totalBytes: number }>> {
  const found = new Map<string, { usedBytes: number; totalBytes: number }>();
  const result = await run('btrfs', ['qgroup', 'show', '--raw', '-r', '--', mount]).catch(() => null);
  if (!result) return found;
  const wanted = new Set(ids);
  // The shortest path is the volume's own: a longer one that ends alike is a subvolume in some instance.
  const groups = parseQgroups(result.stdout).sort((a, b) => a.path.length - b.path.length);
  for (const { path, usedBytes, limitBytes } of groups) {
    const id = /(?:^|\/)volumes\/([A-Za-z0-9_-]+)$/.exec(path)?.[1];
    if (id !== undefined && wanted.has(id) && !found.has(id)) found.set(id, { usedBytes, totalBytes: limitBytes ?? 0 });
  }
  return found;
}
