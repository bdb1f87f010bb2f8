import { chmodSync, closeSync, constants, fstatSync, lchownSync, lstatSync, openSync, readdirSync } from 'node:fs';
import { openat2, getAttribute, removeAttribute, resolve, setAttribute } from '../../host/syscalls.ts';
import type { IdmapRange } from '../driver.ts';

/** Base of the ids in a root file system that was rewritten. It travels with snapshots and copies; a guest can neither see nor set it. */
const marker = 'trusted.stapes.shifted';
/** Set while a rewriting is on its way, so that one that was cut short is finished. */
const underway = 'trusted.stapes.shifting';
const capability = 'security.capability';

/** Null: ids as inside. */
export function shiftedBase(rootfsFd: number): number | null {
  const value = getAttribute(rootfsFd, marker);
  return value ? Number(value.toString()) : null;
}

/**
 * Brings the owners of everything beneath a root file system to a host base, or back to ids as inside (null), where idmapped mounts
 * do not work. Links are never followed: each folder is opened beneath its parent.
 */
export async function shiftRootfs(rootfs: string, wanted: IdmapRange | null): Promise<void> {
  let root: number;
  try {
    root = openSync(rootfs, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // starting it says so better
    throw error;
  }
  try {
    const goal = wanted?.hostBase ?? 0;
    const interrupted = getAttribute(root, underway);
    const from = interrupted ? Number(interrupted.toString().split(' ')[0]) : (shiftedBase(root) ?? 0);
    if (interrupted) {
      // What was moved already has moved to the old goal: finish that first, then go on from there.
      const oldGoal = Number(interrupted.toString().split(' ')[1]);
      await move(root, from, oldGoal);
      finish(root, oldGoal);
      if (oldGoal !== goal) await shiftOnce(root, oldGoal, goal);
    } else if (from !== goal) await shiftOnce(root, from, goal);
  } finally {
    closeSync(root);
  }
}

async function shiftOnce(root: number, from: number, to: number): Promise<void> {
  setAttribute(root, underway, Buffer.from(`${from} ${to}`));
  await move(root, from, to);
  finish(root, to);
}

function finish(root: number, base: number): void {
  if (base === 0) removeAttribute(root, marker);
  else setAttribute(root, marker, Buffer.from(String(base)));
  removeAttribute(root, underway);
}

/** Ids of 65536 and more do not occur inside; so an id tells by itself whether it was moved already. */
const width = 65_536;
const moved = (id: number, from: number, to: number) => (id >= from && id < from + width ? id - from + to : id);

async function move(root: number, from: number, to: number): Promise<void> {
  const device = fstatSync(root).dev;
  let count = 0;
  const visit = async (directory: number): Promise<void> => {
    for (const name of readdirSync(`/proc/self/fd/${directory}`)) {
      if (++count % 256 === 0) await new Promise((done) => setImmediate(done));
      const place = `/proc/self/fd/${directory}/${name}`;
      const stats = lstatSync(place);
      if (stats.isDirectory() && stats.dev === device) {
        const child = openat2(directory, name, {
          flags: constants.O_DIRECTORY | constants.O_NOFOLLOW,
          resolve: resolve.beneath | resolve.noXdev,
        });
        try {
          await visit(child);
        } finally {
          closeSync(child);
        }
      }
      changeOwner(place, stats, from, to);
    }
  };
  await visit(root);
  changeOwner(`/proc/self/fd/${root}/.`, fstatSync(root), from, to);
}

function changeOwner(
  place: string,
  stats: { uid: number; gid: number; mode: number; isFile(): boolean; isSymbolicLink(): boolean },
  from: number,
  to: number,
): void {
  const [uid, gid] = [moved(stats.uid, from, to), moved(stats.gid, from, to)];
  if (uid === stats.uid && gid === stats.gid) return;
  const capabilities = stats.isFile() ? readCapability(place) : null;
  lchownSync(place, uid, gid);
  // The kernel takes set-id bits and capabilities away from a file whose owner changes.
  if (!stats.isSymbolicLink()) chmodSync(place, stats.mode & 0o7777);
  if (capabilities) writeCapability(place, capabilities, to);
}

function readCapability(place: string): Buffer | null {
  const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return getAttribute(fd, capability);
  } finally {
    closeSync(fd);
  }
}

/** `struct vfs_ns_cap_data`: revision 3 names the root of the user namespace to which the capabilities belong; revision 2 is the host's. */
export function capabilityFor(old: Buffer, base: number): Buffer {
  const flags = old.readUInt32LE(0) & 0x00ffffff;
  const body = old.subarray(4, 20);
  if (base === 0) return Buffer.concat([word(0x02000000 | flags), body]);
  return Buffer.concat([word(0x03000000 | flags), body, word(base)]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function writeCapability(place: string, old: Buffer, base: number): void {
  const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    setAttribute(fd, capability, capabilityFor(old, base));
  } finally {
    closeSync(fd);
  }
}
