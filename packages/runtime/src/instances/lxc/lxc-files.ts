import {
  closeSync,
  constants,
  createReadStream,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncate,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  statfsSync,
  symlinkSync,
  write,
  type Stats,
} from 'node:fs';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import { DomainError } from '@stapes/contract/errors';
import { openat2, openPath, resolve } from '../../host/syscalls.ts';
import type { FileEntry, FileTarget, InstanceFiles } from '../driver.ts';
import type { LxcObserver } from './lxc-observer.ts';
import { namesIn, removeTree } from './guest-tree.ts';
import { GuestRoot, openGuestRoot } from './guest-root.ts';

const writeSome = promisify(write);
const truncate = promisify(ftruncate);
const maxEntries = 100_000;
/** proc, sysfs, cgroup, cgroup2, securityfs, debugfs, tracefs, bpf, configfs, efivarfs, fusectl, pstore: their files are settings of the kernel. */
const kernelFileSystems = new Set([
  ...[0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x73636673, 0x64626720, 0x74726163],
  ...[0xcafe4a11, 0x62656570, 0xde5e81e4, 0x65735543, 0x6165676c],
]);

/** A link of the guest may lead there, and the server would write with the powers of the host, which the guest does not have. */
function refuseKernelFiles(fd: number, path: string): void {
  if (kernelFileSystems.has(statfsSync(`/proc/self/fd/${fd}`).type))
    throw new DomainError('unsupported', `${path} is a setting of the kernel: change it from inside the instance`);
}

/**
 * Files of a guest, which may be hostile: each path is resolved by the kernel beneath the guest's root (openat2 RESOLVE_IN_ROOT), the last
 * part is never followed when something is made or removed, and only regular files are opened for content, without blocking.
 * A running instance is entered through its init, so that its own mounts count; a stopped one through its root file system.
 */
export function lxcFiles(observer: LxcObserver): InstanceFiles {
  const within = async <T>(target: FileTarget, work: (root: GuestRoot) => T | Promise<T>): Promise<T> => {
    const root = await openGuestRoot(observer, target);
    try {
      return await work(root);
    } catch (error) {
      throw explain(error, target.path);
    } finally {
      root.close();
    }
  };
  return {
    stat: (target) => within(target, (root) => describe(root, target.path)),
    read: (target) =>
      within(target, async (root) => {
        const entry = await describe(root, target.path);
        if (entry.type !== 'file') return { entry, stream: null };
        const fd = openRegular(root, target.path, constants.O_RDONLY);
        return { entry, stream: createReadStream('', { fd, autoClose: true }) };
      }),
    async write(target, content, options) {
      const { fd } = await within(target, (root) => openForWriting(root, target.path, options));
      try {
        // Not by opening: the end of a huge file takes its time.
        if (!options.append) await truncate(fd);
        for await (const chunk of content) await writeAll(fd, Buffer.from(chunk));
      } catch (error) {
        throw explain(error, target.path);
      } finally {
        closeSync(fd);
      }
    },
    makeDirectory: (target, options) =>
      within(target, (root) =>
        inParent(root, target.path, (parent, name) => {
          const place = `/proc/self/fd/${parent}/${name}`;
          const found = lstatSync(place, { throwIfNoEntry: false });
          if (found?.isDirectory()) return;
          if (found) throw new DomainError('exists', `${target.path} exists in the instance and is not a folder`);
          root.create(parent, () => mkdirSync(place, 0o700));
          const fd = openat2(parent, name, {
            flags: constants.O_DIRECTORY | constants.O_NOFOLLOW,
            resolve: resolve.beneath,
          });
          applyOwner(root, fd, { mode: 0o755, ...options });
          closeSync(fd);
        }),
      ),
    makeSymlink: (target, linkTarget, options) =>
      within(target, (root) =>
        inParent(root, target.path, (parent, name) => {
          const place = `/proc/self/fd/${parent}/${name}`;
          const found = lstatSync(place, { throwIfNoEntry: false });
          if (found?.isSymbolicLink() && readlinkSync(place) === linkTarget) return;
          if (found) throw new DomainError('exists', `${target.path} exists in the instance`);
          root.create(parent, () => symlinkSync(linkTarget, place));
          lchownSync(place, root.hostUid(options.uid ?? 0), root.hostGid(options.gid ?? 0));
        }),
      ),
    remove: (target, { recursive }) =>
      within(target, (root) => inParent(root, target.path, (parent, name) => removeTree(parent, name, recursive))),
  };
}

/** Opens the folder of a path and hands over the bare last name; `.`, `..` and the root itself are refused. */
async function inParent<T>(
  root: GuestRoot,
  path: string,
  work: (parent: number, name: string) => T | Promise<T>,
): Promise<T> {
  const clean = path.replace(/\/+$/, '');
  const name = posix.basename(clean);
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    throw new DomainError('invalid', `"${path}" does not name something that can be made or removed`);
  const parent = root.open(posix.dirname(clean) || '/', constants.O_DIRECTORY | openPath);
  try {
    refuseKernelFiles(parent, path);
    return await work(parent, name);
  } finally {
    closeSync(parent);
  }
}

/** The entry itself: a link at the end is not followed. */
async function describe(root: GuestRoot, path: string): Promise<FileEntry> {
  const fd = root.open(path, openPath | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(fd);
    const base = {
      uid: root.guestUid(stats.uid),
      gid: root.guestGid(stats.gid),
      mode: stats.mode & 0o7777,
      size: stats.size,
      modifiedMs: Math.round(stats.mtimeMs),
    };
    if (stats.isFile()) return { type: 'file', ...base };
    if (stats.isSymbolicLink()) return { type: 'symlink', ...base, target: readlinkSync(fdSelf(root, fd, path)) };
    if (!stats.isDirectory())
      throw new DomainError('invalid', `${path} is neither a regular file, a folder nor a link`);
    const entries = await namesIn(fd, maxEntries + 1);
    if (entries.length > maxEntries) throw new DomainError('too-large', `${path} has more than ${maxEntries} entries`);
    return { type: 'directory', ...base, entries: entries.sort() };
  } finally {
    closeSync(fd);
  }
}

/** A link cannot be read through its own descriptor with Node's calls, so by name in its folder's descriptor. */
function fdSelf(root: GuestRoot, fd: number, path: string): string {
  void fd;
  const clean = path.replace(/\/+$/, '');
  const parent = root.keep(root.open(posix.dirname(clean) || '/', constants.O_DIRECTORY | openPath));
  return `/proc/self/fd/${parent}/${posix.basename(clean)}`;
}

/** Looks before it opens: opening a device or FIFO for content can have effects. */
function openRegular(root: GuestRoot, path: string, flags: number): number {
  const look = root.open(path, openPath);
  let seen: Stats;
  try {
    seen = fstatSync(look);
    if (seen.isDirectory()) throw new DomainError('invalid', `${path} is a folder`);
    if (!seen.isFile()) throw new DomainError('invalid', `${path} is not a regular file`);
    if (flags !== constants.O_RDONLY) refuseKernelFiles(look, path);
    // Through the descriptor itself: it is this inode that is opened, whatever the guest renames meanwhile.
    return openSync(`/proc/self/fd/${look}`, flags | constants.O_NONBLOCK | constants.O_NOCTTY);
  } finally {
    closeSync(look);
  }
}

function openForWriting(
  root: GuestRoot,
  path: string,
  options: { append: boolean; uid?: number; gid?: number; mode?: number },
): Promise<{ fd: number }> {
  const how = constants.O_WRONLY | (options.append ? constants.O_APPEND : 0);
  return inParent(root, path, (parent, name) => {
    const place = `/proc/self/fd/${parent}/${name}`;
    if (lstatSync(place, { throwIfNoEntry: false })) return { fd: openRegular(root, path, how) };
    let fd = -1;
    root.create(parent, () => {
      fd = openat2(parent, name, {
        flags: constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW,
        mode: 0o600,
        resolve: resolve.beneath,
      });
    });
    applyOwner(root, fd, { mode: 0o644, ...options });
    return { fd };
  });
}

function applyOwner(root: GuestRoot, fd: number, options: { uid?: number; gid?: number; mode: number }): void {
  fchownSync(fd, root.hostUid(options.uid ?? 0), root.hostGid(options.gid ?? 0));
  fchmodSync(fd, options.mode & 0o7777);
}

async function writeAll(fd: number, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length;) at += (await writeSome(fd, data, at, data.length - at)).bytesWritten;
}

function explain(error: unknown, path: string): unknown {
  if (error instanceof DomainError) return error;
  const code = (error as { code?: string }).code ?? '';
  const say = (kind: 'not-found' | 'invalid' | 'in-use' | 'no-space' | 'too-large' | 'unsupported', text: string) =>
    new DomainError(kind, `${path} ${text}`, { cause: error });
  if (code === 'ENOENT') return say('not-found', 'does not exist in the instance');
  if (code === 'ENOTDIR') return say('invalid', 'leads through something that is not a folder');
  if (code === 'ELOOP') return say('invalid', 'leads through too many links');
  if (code === 'ENOTEMPTY') return say('in-use', 'is not empty');
  if (code === 'EBUSY' || code === 'EXDEV') return say('in-use', 'is or holds a mount point');
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return say('no-space', 'could not be written: the disk of the instance is full');
  if (code === 'ENAMETOOLONG') return say('invalid', 'is too long a name');
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
    return say('unsupported', 'may not be changed: its file system is read-only or protected');
  if (['EINVAL', 'EIO', 'ENXIO', 'ENODEV', 'ESRCH', 'EAGAIN', 'ETXTBSY', 'EOPNOTSUPP'].includes(code))
    return say('invalid', `cannot be read or written like a file (${code})`);
  return error;
}
