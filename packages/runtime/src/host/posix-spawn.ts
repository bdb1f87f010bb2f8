import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { SyscallError } from './syscalls.ts';

/**
 * `posix_spawn(3)`: the child borrows our memory until it executes. Node forks, which copies the page tables of the whole server first:
 * tens of milliseconds for each command, in which nothing else runs.
 */
const libc = koffi.load('libc.so.6');
const raw = {
  initActions: libc.func('int posix_spawn_file_actions_init(void *actions)'),
  addDup: libc.func('int posix_spawn_file_actions_adddup2(void *actions, int fd, int target)'),
  addOpen: libc.func(
    'int posix_spawn_file_actions_addopen(void *actions, int target, const char *path, int flags, unsigned int mode)',
  ),
  addChdir: libc.func('int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)'),
  destroyActions: libc.func('int posix_spawn_file_actions_destroy(void *actions)'),
  initAttributes: libc.func('int posix_spawnattr_init(void *attributes)'),
  setFlags: libc.func('int posix_spawnattr_setflags(void *attributes, short flags)'),
  setDefaults: libc.func('int posix_spawnattr_setsigdefault(void *attributes, const void *set)'),
  setMask: libc.func('int posix_spawnattr_setsigmask(void *attributes, const void *set)'),
  destroyAttributes: libc.func('int posix_spawnattr_destroy(void *attributes)'),
  spawn: libc.func(
    'int posix_spawn(_Out_ int *pid, const char *path, const void *actions, const void *attributes, const char **argv, const char **environment)',
  ),
  waitpid: libc.func('int waitpid(int pid, _Out_ int *status, int options)'),
  socketpair: libc.func('int socketpair(int domain, int type, int protocol, void *fds)'),
  pipe2: libc.func('int pipe2(void *fds, int flags)'),
};
const flags = { setSignalDefaults: 0x04, setSignalMask: 0x08, setSession: 0x80 } as const;
const closeOnExec = 0o2000000;
/** More than glibc's 80 and 336 bytes. */
const structBytes = 512;
const setBytes = 128;

/** What a descriptor of the child is: one of ours, or /dev/null. */
export type ChildDescriptor = { fd: number } | 'null';

export interface PosixSpawn {
  file: string;
  argv: readonly string[];
  environment: readonly string[];
  cwd?: string;
  /** A session of its own: it outlives our terminal. */
  newSession: boolean;
  stdio: readonly [ChildDescriptor, ChildDescriptor, ChildDescriptor];
}

/** Every signal to its default but the two that have no other; Node itself ignores some. */
function allSignals(): Buffer {
  const set = Buffer.alloc(setBytes, 0);
  set.writeBigUInt64LE(0xffffffffffffffffn & ~(1n << 8n) & ~(1n << 18n), 0);
  return set;
}

/** The pid of the new process; throws SyscallError. */
export function posixSpawn(what: PosixSpawn): number {
  const [actions, attributes] = [Buffer.alloc(structBytes), Buffer.alloc(structBytes)];
  const check = (errno: number) => {
    if (errno !== 0) throw new SyscallError('posix_spawn', errno, what.file);
  };
  check(raw.initActions(actions));
  check(raw.initAttributes(attributes));
  try {
    const session = what.newSession ? flags.setSession : 0;
    check(raw.setFlags(attributes, flags.setSignalDefaults | flags.setSignalMask | session));
    check(raw.setDefaults(attributes, allSignals()));
    check(raw.setMask(attributes, Buffer.alloc(setBytes)));
    what.stdio.forEach((descriptor, target) => {
      if (descriptor === 'null') check(raw.addOpen(actions, target, '/dev/null', constants.O_RDWR, 0));
      else check(raw.addDup(actions, descriptor.fd, target));
    });
    if (what.cwd !== undefined) check(raw.addChdir(actions, what.cwd));
    const pid = [0];
    check(raw.spawn(pid, what.file, actions, attributes, [...what.argv, null], [...what.environment, null]));
    return pid[0] as number;
  } finally {
    raw.destroyActions(actions);
    raw.destroyAttributes(attributes);
  }
}

export interface ChildEnd {
  code: number | null;
  /** Its number, when one ended it. */
  signal: number | null;
}

/** Null while it runs. Takes the process off the table, so that its pid may come again. */
export function reap(pid: number): ChildEnd | null {
  const status = [0];
  const result = raw.waitpid(pid, status, 1);
  if (result === 0) return null;
  // Somebody else has waited for it: its end is all that is known.
  if (result < 0) return { code: 1, signal: null };
  const value = status[0] as number;
  const signal = value & 0x7f;
  return signal === 0 ? { code: (value >> 8) & 0xff, signal: null } : { code: null, signal };
}

/** Ours and the child's end. A socket: Node can close its writing side alone. */
export function socketPair(): { ours: number; theirs: number } {
  const fds = Buffer.alloc(8);
  if (raw.socketpair(1, 1 | closeOnExec, 0, fds) < 0) throw new SyscallError('socketpair', koffi.errno());
  return { ours: fds.readInt32LE(0), theirs: fds.readInt32LE(4) };
}

/** A pipe, so that a command may open /dev/stdout. */
export function outputPair(): { ours: number; theirs: number } {
  const fds = Buffer.alloc(8);
  if (raw.pipe2(fds, closeOnExec) < 0) throw new SyscallError('pipe2', koffi.errno());
  return { ours: fds.readInt32LE(0), theirs: fds.readInt32LE(4) };
}

/** Where a program lies by the child's own PATH; null when nowhere. */
export function findProgram(name: string, path: string): string | null {
  if (name.includes('/')) return name;
  for (const directory of path.split(':')) {
    const candidate = join(directory || '.', name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not in this one.
    }
  }
  return null;
}
