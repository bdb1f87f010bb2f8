import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, realpath, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomainError, messageOf } from '@stapes/contract/errors';
import { formatBytes, parseBytes } from '@stapes/contract/units';
import { run } from '../../host/run.ts';
import type { PoolRef } from '../driver.ts';
import { exists, type PoolLayout } from '../layout.ts';

const gib = 1024 ** 3;
const minimumBytes = 256 * 1024 ** 2;
const btrfsMagic = 0x9123683e;
const folders = ['images', 'volumes', 'snapshots'];
/** `nodev`: a device node in a volume is none. Not `nosuid`: the mounts of instances are made of this one, and need it. */
const mountOptions = 'nodev,noatime,discard=async,user_subvol_rm_allowed';

/** Tries it on a small file: that a program and a kernel module are there says little. Null, or why it does not work. */
export async function probeBtrfs(stateDir: string): Promise<string | null> {
  const disks = join(stateDir, 'disks');
  await mkdir(disks, { recursive: true, mode: 0o700 });
  const name = `.probe-${randomBytes(6).toString('hex')}`;
  const [image, target] = [join(disks, `${name}.img`), join(disks, name)];
  try {
    await makeDisk(image, minimumBytes);
    await mkdir(target, { mode: 0o700 });
    await run('mount', ['-t', 'btrfs', '-o', 'loop', '--', image, target]);
    await run('umount', ['--', target]);
    return null;
  } catch (error) {
    return `btrfs cannot be used here: ${messageOf(error)}`;
  } finally {
    await rmdir(target).catch(() => undefined);
    await rm(image, { force: true });
  }
}

/** Looks at what is mounted now, in this mount namespace. */
export async function isMounted(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => null);
  if (real === null) return false;
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts
    .split('\n')
    .some(
      (line) =>
        line.split(' ')[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))) ===
        real,
    );
}

export async function attachPool(layout: PoolLayout, pool: PoolRef): Promise<void> {
  const target = layout.pool(pool);
  if (await isMounted(target)) return;
  await mkdir(target, { recursive: true, mode: 0o700 });
  const source = pool.config.source;
  if (!source) await mountLoop(layout, pool);
  else if ((await statSource(source)).isBlockDevice()) await mountDevice(source, target);
  else await bindDirectory(source, target);
  await chmod(target, 0o700);
  // Asked for again is fine. Without it (an odd kernel) there are no limits and no usage, but all else works.
  await run('btrfs', ['quota', 'enable', target]).catch(() => undefined);
}

async function mountLoop(layout: PoolLayout, pool: PoolRef): Promise<void> {
  const disk = layout.disk(pool);
  if (!(await exists(disk))) {
    await mkdir(dirname(disk), { recursive: true, mode: 0o700 });
    const partial = join(dirname(disk), `.new-${randomBytes(6).toString('hex')}`);
    try {
      await makeDisk(partial, await wantedBytes(pool, dirname(disk)));
      await rename(partial, disk);
    } finally {
      await rm(partial, { force: true });
    }
  }
  // mount finds a loop device that the file is still attached to, and one that it makes is let go by umount.
  await run('mount', ['-t', 'btrfs', '-o', `loop,${mountOptions}`, '--', disk, layout.pool(pool)]);
}

async function wantedBytes(pool: PoolRef, directory: string): Promise<number> {
  if (pool.config.size) {
    const bytes = parseBytes(pool.config.size);
    if (bytes === null || bytes < minimumBytes) {
      throw new DomainError(
        'invalid',
        `The size of a btrfs pool is a number of bytes like 10GiB, and ${formatBytes(minimumBytes)} at least`,
        { details: { field: 'config.size' } },
      );
    }
    return bytes;
  }
  const { bavail, bsize } = await statfs(directory);
  return Math.min(Math.max(Math.floor((bavail * bsize) / 5), 5 * gib), 30 * gib);
}

/**
 * Sparse: it takes room on the host as it fills. Metadata of a small one is kept twice for the room that is then set apart for it: with the 8 MiB of `single`, a pool
 * that one file has filled refuses even what frees room. (A large one has made itself more by the time it is full.)
 */
async function makeDisk(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
  await run('mkfs.btrfs', ['--quiet', '--metadata', bytes < 5 * gib ? 'dup' : 'single', '--', path]);
}

async function statSource(source: string) {
  if (!source.startsWith('/'))
    throw new DomainError('invalid', `The source "${source}" is not an absolute path`, {
      details: { field: 'config.source' },
    });
  return stat(source).catch((cause: unknown) => {
    throw new DomainError('not-found', `The source ${source} of the storage pool is not there`, {
      cause,
      details: { field: 'config.source' },
    });
  });
}

async function mountDevice(device: string, target: string): Promise<void> {
  const { stdout } = await run('blkid', ['--probe', '--output', 'value', '--match-tag', 'TYPE', '--', device], {
    okCodes: [0, 2],
  });
  const found = stdout.trim();
  if (found === '') await run('mkfs.btrfs', ['--quiet', '--', device]);
  else if (found !== 'btrfs')
    throw new DomainError(
      'in-use',
      `${device} holds ${found}; it is not overwritten. Wipe it first if that may be lost`,
      { details: { field: 'config.source' } },
    );
  await run('mount', ['-t', 'btrfs', '-o', mountOptions, '--', device, target]);
}

async function bindDirectory(source: string, target: string): Promise<void> {
  if ((await statfs(source)).type !== btrfsMagic) {
    throw new DomainError('invalid', `The source ${source} is not on a btrfs file system`, {
      details: { field: 'config.source' },
    });
  }
  const others = (await readdir(source)).filter((name) => !folders.includes(name));
  if (others.length > 0)
    throw new DomainError('in-use', `The source ${source} holds other files (${others[0]}); give an empty directory`, {
      details: { field: 'config.source' },
    });
  await run('mount', ['--bind', '--', source, target]);
}

/** Its volumes and images are gone already. A device or directory that was given stays, empty. */
export async function detachPool(layout: PoolLayout, pool: PoolRef): Promise<void> {
  const target = layout.pool(pool);
  if (await isMounted(target)) {
    for (const name of folders) await rmdir(join(target, name)).catch(() => undefined);
    await run('umount', ['--', target]).catch((cause: unknown) => {
      throw new DomainError('in-use', `The storage pool at ${target} is still in use: ${messageOf(cause)}`, { cause });
    });
  }
  await detachLoops(layout.disk(pool));
  await rm(layout.disk(pool), { force: true });
  await rmdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** One that `mount` made is gone with the mount; one that was attached otherwise, and found again, stays until it is told to go. */
async function detachLoops(disk: string): Promise<void> {
  if (!(await exists(disk))) return;
  const { stdout } = await run('losetup', ['--noheadings', '--output', 'NAME', '--associated', disk]);
  for (const device of stdout
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean))
    await run('losetup', ['--detach', device]);
}
