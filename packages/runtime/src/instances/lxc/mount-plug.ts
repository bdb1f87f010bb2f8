import { closeSync, constants, mkdirSync, openSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { cloneMount, inMountNamespace, setMountAttributes } from '../../host/mounts.ts';
import { mountIdentity, parseMountTable, type MountLine } from '../../host/mount-table.ts';
import { openPath } from '../../host/syscalls.ts';
import type { MountSpec } from '../driver.ts';
import { hasUntrustedMounts, type GuestRoot } from './guest-root.ts';
import { lockedReadOnlyMount } from './read-only-disks.ts';

/** A running instance, to plug mounts into. */
export interface MountGuest {
  pid: number;
  root: GuestRoot;
  mountNamespace: number;
  /** Null: it is privileged, its ids are the host's. */
  userNamespace: number | null;
  /** For views on the way. */
  staging: string;
}

const maxRounds = 64;

/**
 * Mounts a host path in a running instance. The target is a descriptor, resolved beneath the guest's root, and so is the mount: within the
 * guest's mount namespace the kernel attaches one to the other, and no path is walked there.
 */
export async function plugMount(guest: MountGuest, mount: MountSpec): Promise<void> {
  const source = statSync(mount.source, { throwIfNoEntry: false });
  if (!source && !mount.required) return;
  if (!source) throw new DomainError('not-found', `The source ${mount.source} does not exist on this host`);
  const target = openTarget(guest.root, mount.target, !source.isDirectory());
  try {
    if (statSync(`/proc/self/fd/${target}`).isDirectory() !== source.isDirectory())
      throw new DomainError('invalid', `${mount.target} is a ${source.isDirectory() ? 'file' : 'folder'} inside`);
    const fd = await detachedMount(guest, mount);
    try {
      inMountNamespace(guest.mountNamespace, (calls) => calls.attach(fd, target));
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(target);
  }
}

async function detachedMount(guest: MountGuest, mount: MountSpec): Promise<number> {
  const locked = mount.readOnly && guest.userNamespace !== null;
  const fd = locked ? await lockedReadOnlyMount(guest.staging, mount) : cloneMount(mount.source, mount);
  try {
    setMountAttributes(fd, {
      readOnly: mount.readOnly,
      userNamespaceFd: mount.shift ? guest.userNamespace : null,
      recursive: mount.recursive,
    });
    return fd;
  } catch (cause) {
    closeSync(fd);
    if (!mount.shift || (cause as { code?: string }).code !== 'EINVAL') throw cause;
    throw new DomainError('unsupported', `The file system of ${mount.source} cannot shift ids (shift=true)`, { cause });
  }
}

/** Each step is resolved from the root again, so that links in the middle work as they do inside. What is missing is made. */
function openTarget(root: GuestRoot, target: string, isFile: boolean): number {
  const wanted = posix.normalize(`/${target}`).replace(/\/$/, '');
  if (wanted === '') throw new DomainError('invalid', 'A mount cannot cover the whole root file system');
  const parts = wanted.slice(1).split('/');
  let at = root.open('/', openPath | constants.O_DIRECTORY);
  parts.forEach((part, index) => {
    const parent = at;
    try {
      const path = `/${parts.slice(0, index + 1).join('/')}`;
      at = openOrMake(root, path, { parent, part, isFile: isFile && index === parts.length - 1 });
    } finally {
      closeSync(parent);
    }
  });
  return at;
}

function openOrMake(root: GuestRoot, path: string, step: { parent: number; part: string; isFile: boolean }): number {
  try {
    return root.open(path, openPath);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw unreachable(path, error);
  }
  const place = `/proc/self/fd/${step.parent}/${step.part}`;
  try {
    root.create(step.parent, () => {
      if (step.isFile) closeSync(openSync(place, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644));
      else mkdirSync(place, 0o755);
    });
    return root.open(path, openPath);
  } catch (cause) {
    throw unreachable(path, cause);
  }
}

function unreachable(path: string, cause: unknown): DomainError {
  return new DomainError('invalid', `The mount target ${path} cannot be reached inside the instance`, { cause });
}

/**
 * Takes a mount away from wherever the guest has it by now, and what the guest has mounted over it; known by what of which file system it
 * shows. Absent is fine. Mounts of the same source at the targets of `keep` stay.
 */
export function unplugMount(guest: MountGuest, mount: MountSpec, keep: readonly MountSpec[]): void {
  const identity = mountIdentity(mount.source);
  for (let round = 0; round < maxRounds; round++) {
    const table = parseMountTable(readMounts(guest.pid));
    const kept = new Set(keep.map(({ target }) => pointAt(guest.root, target)));
    const own = pointAt(guest.root, mount.target);
    const isOurs = (line: MountLine) =>
      identity
        ? line.device === identity.device &&
          line.root === identity.root &&
          (line.point === own || !kept.has(line.point))
        : line.point === own;
    const line = table.filter((each) => each.point !== '/' && isOurs(each)).at(-1);
    if (!line) return;
    const fd = openPoint(guest, line.point);
    try {
      inMountNamespace(guest.mountNamespace, (calls) => calls.detach(fd));
    } finally {
      closeSync(fd);
    }
  }
  throw new DomainError(
    'in-use',
    `The instance keeps on mounting something at ${mount.target}: stop it to take it away`,
  );
}

function openPoint(guest: MountGuest, point: string): number {
  const onTheWay = readMounts(guest.pid)
    .split('\n')
    .filter((text) => {
      const at = parseMountTable(text)[0]?.point;
      return at !== undefined && at !== '/' && (point === at || point.startsWith(`${at}/`));
    });
  if (hasUntrustedMounts(onTheWay.join('\n')))
    throw new DomainError('unsupported', `${point} lies on a file system that may never answer (FUSE or network)`);
  return guest.root.openMounted(point);
}

/** As the guest's mount table has it: without links, where it can be reached. */
function pointAt(root: GuestRoot, target: string): string {
  const plain = posix.normalize(`/${target}`).replace(/(?<=.)\/$/, '');
  let fd: number;
  try {
    fd = root.open(plain, openPath);
  } catch {
    return plain;
  }
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

function readMounts(pid: number): string {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
}
