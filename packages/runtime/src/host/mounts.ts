import { closeSync, constants, openSync } from 'node:fs';
import koffi from 'koffi';
import { openCloexec, openPath, SyscallError } from './syscalls.ts';

/** Mounts by descriptor: nothing here walks a path of a guest. */
const libc = koffi.load('libc.so.6');
const raw = {
  openTree: libc.func('int64_t syscall(int64_t number, int64_t directory, const char *path, int64_t flags)'),
  setAttributes: libc.func(
    'int64_t syscall(int64_t number, int64_t directory, const char *path, int64_t flags, const void *attributes, size_t size)',
  ),
  move: libc.func(
    'int64_t syscall(int64_t number, int64_t from, const char *fromPath, int64_t to, const char *toPath, int64_t flags)',
  ),
  unshare: libc.func('int unshare(int flags)'),
  setns: libc.func('int setns(int fd, int type)'),
  fchdir: libc.func('int fchdir(int fd)'),
  umount2: libc.func('int umount2(const char *target, int flags)'),
};
/** x86_64 and arm64 share these numbers. */
const numbers = { openTree: 428, moveMount: 429, mountSetattr: 442 } as const;
const emptyPath = 0x1000;
const recursive = 0x8000;
const newMountNamespace = 0x20000;
const separateFs = 0x200;
const detach = 2;
const noFollow = 8;

function checked(name: string, result: number | bigint, subject = ''): number {
  if (Number(result) < 0) throw new SyscallError(name, koffi.errno(), subject);
  return Number(result);
}

/** A detached copy of the mount at a path, with those beneath it when asked for. */
export function cloneMount(path: string, options: { recursive: boolean }): number {
  const flags = 1 | openCloexec | (options.recursive ? recursive : 0);
  return checked('open_tree', raw.openTree(numbers.openTree, -100, path, flags), path);
}

export interface MountAttributes {
  readOnly: boolean;
  /** Whose ids its files shall have. */
  userNamespaceFd: number | null;
  recursive: boolean;
}

/** Sets up a detached mount, which from then on shares no mounts with where it came from. */
export function setMountAttributes(mountFd: number, attributes: MountAttributes): void {
  const { userNamespaceFd } = attributes;
  const struct = Buffer.alloc(32);
  struct.writeBigUInt64LE(BigInt((attributes.readOnly ? 1 : 0) | (userNamespaceFd === null ? 0 : 0x00100000)), 0);
  struct.writeBigUInt64LE(BigInt(1 << 18), 16); // MS_PRIVATE
  struct.writeBigUInt64LE(BigInt(userNamespaceFd ?? 0), 24);
  const flags = emptyPath | (attributes.recursive ? recursive : 0);
  checked('mount_setattr', raw.setAttributes(numbers.mountSetattr, mountFd, '', flags, struct, 32));
}

/** Attaches a detached mount over what a descriptor names; both must belong to the mount namespace of the caller. */
export function attachMount(mountFd: number, targetFd: number): void {
  checked('move_mount', raw.move(numbers.moveMount, mountFd, '', targetFd, '', 0x04 | 0x40));
}

/** Our own view: a path of ours, a link at its end not followed. False when nothing is mounted there. */
export function unmountPath(path: string): boolean {
  if (raw.umount2(path, detach | noFollow) === 0) return true;
  const errno = koffi.errno();
  if (errno === koffi.os.errno.EINVAL || errno === koffi.os.errno.ENOENT) return false;
  throw new SyscallError('umount2', errno, path);
}

/** What may be done in another mount namespace: all of it by descriptor or by a path of a namespace that is ours. */
export interface MountCalls {
  attach(mountFd: number, targetFd: number): void;
  /** Takes away the mount that a descriptor leads into. */
  detach(fd: number): void;
  clone(path: string, options: { recursive: boolean }): number;
}

/**
 * Runs synchronous calls in the mount namespace of an instance. Only this thread visits it, and its working directory is put back. A thread
 * that cannot come back must not go on.
 */
export function inMountNamespace<T>(namespaceFd: number, work: (calls: MountCalls) => T): T {
  const own = openSync('/proc/thread-self/ns/mnt', 'r');
  // Through this one the kernel leads to our descriptors, whatever is mounted over /proc where we go.
  const descriptors = openSync('/proc/thread-self/fd', openPath | constants.O_DIRECTORY);
  const here = openSync('.', openPath | constants.O_DIRECTORY);
  const calls: MountCalls = {
    attach: attachMount,
    clone: cloneMount,
    detach(fd) {
      checked('fchdir', raw.fchdir(descriptors));
      checked('umount2', raw.umount2(String(fd), detach));
    },
  };
  try {
    // The kernel lets no thread in that shares its root and working directory with others.
    checked('unshare', raw.unshare(separateFs));
    checked('setns', raw.setns(namespaceFd, newMountNamespace));
    try {
      return work(calls);
    } finally {
      if (raw.setns(own, newMountNamespace) < 0 || raw.fchdir(here) < 0) process.abort();
    }
  } finally {
    for (const fd of [own, descriptors, here]) closeSync(fd);
  }
}
