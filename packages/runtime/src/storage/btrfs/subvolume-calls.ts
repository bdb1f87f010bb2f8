import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ioctlInThread } from '../../host/syscalls.ts';

/** The two calls of btrfs that every create and delete makes, without a process for each. Source: linux/btrfs.h. */
const requests = { snapshotCreate: 0x50009417, snapshotDestroy: 0x5000940f } as const;
const structBytes = 4096;
const readOnlyFlag = 2n;

/** `btrfs_ioctl_vol_args_v2`: descriptor of the source, transaction, flags, 32 unused bytes, name. */
export function snapshotArguments(sourceFd: number, name: string, readOnly: boolean): Buffer {
  const struct = Buffer.alloc(structBytes);
  struct.writeBigInt64LE(BigInt(sourceFd), 0);
  struct.writeBigUInt64LE(readOnly ? readOnlyFlag : 0n, 16);
  writeName(struct, 56, name);
  return struct;
}

/** `btrfs_ioctl_vol_args`: a descriptor that is not used, and the name. */
export function destroyArguments(name: string): Buffer {
  const struct = Buffer.alloc(structBytes);
  writeName(struct, 8, name);
  return struct;
}

function writeName(struct: Buffer, offset: number, name: string): void {
  const bytes = Buffer.from(name);
  if (bytes.length === 0 || bytes.length > 255 || bytes.includes(0) || bytes.includes('/') || /^\.\.?$/.test(name))
    throw new TypeError(`"${name}" is not a name for a subvolume`);
  bytes.copy(struct, offset);
}

async function within<T>(path: string, work: (fd: number) => Promise<T>): Promise<T> {
  const directory = await open(path);
  try {
    return await work(directory.fd);
  } finally {
    await directory.close();
  }
}

/** False when the kernel refused; nothing was made then. */
export function trySnapshot(from: string, to: string, readOnly: boolean): Promise<boolean> {
  return within(from, (source) =>
    within(dirname(to), (parent) =>
      ioctlInThread(parent, requests.snapshotCreate, snapshotArguments(source, basename(to), readOnly)),
    ),
  );
}

/** False when the kernel refused (it holds other subvolumes, say); nothing was removed then. */
export function tryDestroy(path: string): Promise<boolean> {
  return within(dirname(path), (parent) =>
    ioctlInThread(parent, requests.snapshotDestroy, destroyArguments(basename(path))),
  );
}
