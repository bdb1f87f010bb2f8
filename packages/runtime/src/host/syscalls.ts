import koffi from 'koffi';

/**
 * System calls that Node lacks. Each wrapper throws an Error with `code` (`ENOENT`, ...) as Node's own calls do. All of them are
 * per-call: nothing here keeps state, and descriptors belong to the caller.
 */
const libc = koffi.load('libc.so.6');
const raw = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  connect: libc.func('int connect(int fd, const void *address, unsigned int length)'),
  send: libc.func('int64_t send(int fd, const void *buffer, size_t length, int flags)'),
  recv: libc.func('int64_t recv(int fd, void *buffer, size_t length, int flags)'),
  close: libc.func('int close(int fd)'),
  setns: libc.func('int setns(int fd, int type)'),
  setfsuid: libc.func('int setfsuid(unsigned int uid)'),
  setfsgid: libc.func('int setfsgid(unsigned int gid)'),
  openat2: libc.func(
    'int64_t syscall(int64_t number, int64_t directory, const char *path, const void *how, size_t size)',
  ),
  fgetxattr: libc.func('int64_t fgetxattr(int fd, const char *name, void *value, size_t size)'),
  fremovexattr: libc.func('int fremovexattr(int fd, const char *name)'),
  ioctl: libc.func('int ioctl(int fd, unsigned long request, void *arguments)'),
  fsetxattr: libc.func('int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)'),
};
/** The same on x86_64 and arm64. */
const openat2Number = 437;
const errnoNames = new Map<number, string>(
  Object.entries(koffi.os.errno).map(([name, value]) => [value as number, name]),
);

export class SyscallError extends Error {
  readonly code: string;
  constructor(name: string, errno: number, subject = '') {
    const code = errnoNames.get(errno) ?? `E${errno}`;
    super(`${name}${subject && ` ${subject}`}: ${code}`);
    this.name = 'SyscallError';
    this.code = code;
  }
}

function checked(name: string, result: number | bigint, subject = ''): number {
  if (Number(result) < 0) throw new SyscallError(name, koffi.errno(), subject);
  return Number(result);
}

export const resolve = { noXdev: 1, noMagicLinks: 2, noSymlinks: 4, beneath: 8, inRoot: 16 } as const;
export const openPath = 0o10000000;
export const openCloexec = 0o2000000;

/** Opens a path as `openat2(2)` does; the descriptor is closed on exec. */
export function openat2(
  directory: number,
  path: string,
  how: { flags: number; mode?: number; resolve: number },
): number {
  const struct = Buffer.alloc(24);
  struct.writeBigUInt64LE(BigInt(how.flags | openCloexec), 0);
  struct.writeBigUInt64LE(BigInt(how.mode ?? 0), 8);
  struct.writeBigUInt64LE(BigInt(how.resolve), 16);
  for (let attempt = 0; ; attempt++) {
    const fd = raw.openat2(openat2Number, directory, path, struct, 24);
    // EAGAIN: a rename raced with the walk; the kernel asks for a retry.
    if (Number(fd) < 0 && koffi.errno() === koffi.os.errno.EAGAIN && attempt < 50) continue;
    return checked('openat2', fd, path);
  }
}

/** A connected, non-blocking stream socket to an abstract name (without its leading NUL). Node 20 pads such names and never finds them. */
export function connectAbstract(name: string): number {
  const bytes = Buffer.from(name);
  const address = Buffer.alloc(3 + bytes.length);
  address.writeUInt16LE(1, 0);
  bytes.copy(address, 3);
  const fd = checked('socket', raw.socket(1, 1 | 0o2000000 | 0o4000, 0));
  if (raw.connect(fd, address, address.length) < 0) {
    const error = new SyscallError('connect', koffi.errno(), name);
    raw.close(fd);
    throw error;
  }
  return fd;
}

/** A routing netlink socket that lives in another network namespace: only this thread visits it, and only for the making. */
export function netlinkSocketIn(namespaceFd: number, ownNamespaceFd: number): number {
  checked('setns', raw.setns(namespaceFd, 0x40000000));
  const fd = raw.socket(16, 3 | 0o2000000, 0);
  const errno = koffi.errno();
  checked('setns', raw.setns(ownNamespaceFd, 0x40000000));
  if (fd < 0) throw new SyscallError('socket', errno);
  return fd;
}

export function sendTo(fd: number, message: Buffer): void {
  checked('send', raw.send(fd, message, message.length, 0));
}

export function receive(fd: number, buffer: Buffer): number {
  return checked('recv', raw.recv(fd, buffer, buffer.length, 0));
}

export function closeDescriptor(fd: number): void {
  raw.close(fd);
}

/** Runs synchronous file calls with the file-system ids of another user. Must not await: the ids belong to this thread. */
export function asFileUser<T>(uid: number, gid: number, work: () => T): T {
  raw.setfsgid(gid);
  raw.setfsuid(uid);
  try {
    return work();
  } finally {
    raw.setfsuid(0);
    raw.setfsgid(0);
  }
}

/** Null when there is no such attribute. */
export function getAttribute(fd: number, name: string): Buffer | null {
  const value = Buffer.alloc(256);
  const length = Number(raw.fgetxattr(fd, name, value, value.length));
  if (length >= 0) return value.subarray(0, length);
  if (koffi.errno() === koffi.os.errno.ENODATA || koffi.errno() === koffi.os.errno.EOPNOTSUPP) return null;
  throw new SyscallError('fgetxattr', koffi.errno(), name);
}

export function setAttribute(fd: number, name: string, value: Buffer): void {
  checked('fsetxattr', raw.fsetxattr(fd, name, value, value.length, 0), name);
}

export function removeAttribute(fd: number, name: string): void {
  if (raw.fremovexattr(fd, name) < 0 && koffi.errno() !== koffi.os.errno.ENODATA)
    throw new SyscallError('fremovexattr', koffi.errno(), name);
}

/**
 * An ioctl that may wait for the disk, in a thread of the pool; the kernel's answer is written into `struct`. The error number stays in that
 * thread, so only whether it went well comes back.
 */
export function ioctlInThread(fd: number, request: number, struct: Buffer): Promise<boolean> {
  return new Promise((done, fail) => {
    raw.ioctl.async(fd, request, struct, (error: Error | null, result: number) =>
      // Naming the buffer here keeps its memory until the kernel is done with it.
      error ? fail(error) : done(result === 0 && struct.length > 0),
    );
  });
}
