import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { DomainError } from '@stapes/contract/errors';
import { asFileUser, openat2, openPath, resolve } from '../../host/syscalls.ts';
import type { FileTarget, IdmapRange } from '../driver.ts';
import { processStart, type LxcObserver } from './lxc-observer.ts';
import { shiftedBase } from './shift.ts';

/** A descriptor of a guest's root, and how ids there look from here. */
export class GuestRoot {
  private readonly fd: number;
  private readonly map: IdmapRange | null;
  private readonly mayCrossMounts: boolean;
  private readonly kept: number[] = [];

  constructor(fd: number, map: IdmapRange | null, mayCrossMounts: boolean) {
    this.fd = fd;
    this.map = map;
    this.mayCrossMounts = mayCrossMounts;
  }

  open(path: string, flags: number): number {
    if (path.includes('\0')) throw new DomainError('invalid', 'A path may not contain a NUL character');
    const within = resolve.inRoot | resolve.noMagicLinks | (this.mayCrossMounts ? 0 : resolve.noXdev);
    try {
      return openat2(this.fd, path === '' ? '/' : path, { flags, resolve: within });
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'EXDEV' || this.mayCrossMounts) throw cause;
      throw new DomainError(
        'unsupported',
        `${path} leads to another mount, and the instance has mounted a file system that could answer never (FUSE or network)`,
        { cause },
      );
    }
  }

  /** Opens what is mounted at a place of the guest's mount table, when every file system on the way is one that answers. */
  openMounted(point: string): number {
    return openat2(this.fd, point, {
      flags: openPath,
      resolve: resolve.inRoot | resolve.noMagicLinks | resolve.noSymlinks,
    });
  }

  /** Runs a synchronous call that makes something; files need an owner whom the guest's mount knows, so its folder's owner does it. */
  create(parent: number, make: () => void): void {
    try {
      make();
    } catch (error) {
      if ((error as { code?: string }).code !== 'EOVERFLOW') throw error;
      const { uid, gid } = fstatSync(parent);
      asFileUser(uid, gid, make);
    }
  }

  hostUid(uid: number): number {
    return this.toHost(uid);
  }
  hostGid(gid: number): number {
    return this.toHost(gid);
  }
  guestUid(uid: number): number {
    return this.toGuest(uid);
  }
  guestGid(gid: number): number {
    return this.toGuest(gid);
  }

  private toHost(id: number): number {
    if (!this.map) return id;
    if (id >= this.map.size)
      throw new DomainError('invalid', `The id ${id} is not one of the ${this.map.size} ids of the instance`);
    return this.map.hostBase + id;
  }

  /** What the guest does not own looks to it as `nobody`. */
  private toGuest(id: number): number {
    if (!this.map) return id;
    const inside = id - this.map.hostBase;
    return inside >= 0 && inside < this.map.size ? inside : 65_534;
  }

  /** Closed together with the root. */
  keep(fd: number): number {
    this.kept.push(fd);
    return fd;
  }
  close(): void {
    for (const fd of [this.fd, ...this.kept]) closeSync(fd);
  }
}

/** Running: through init, whose mounts count. Stopped: the root file system as it lies on the host. */
export async function openGuestRoot(observer: LxcObserver, target: FileTarget): Promise<GuestRoot> {
  const init = await observer.findInit(target.ref);
  if (init) {
    const fd = tryOpen(`/proc/${init.pid}/root`);
    // Still the same process: its number was not given to another one meanwhile.
    const same = processStart(init.pid) === init.startTicks;
    if (fd !== null && !same) closeSync(fd);
    if (fd !== null && same) return new GuestRoot(fd, target.idmap, !hasUntrustedMounts(readMounts(init.pid)));
  }
  const fd = tryOpen(target.rootfs);
  if (fd === null) throw new DomainError('not-found', 'The root file system of the instance is not there');
  const base = shiftedBase(fd);
  return new GuestRoot(fd, base === null ? null : { hostBase: base, size: target.idmap?.size ?? 65_536 }, true);
}

/** None when it has just ended: then nothing can be opened there either. */
function readMounts(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

function tryOpen(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** File systems that are served by somebody who may never answer; lxcfs of the host is known by its device. */
export function hasUntrustedMounts(mountinfo: string): boolean {
  const lxcfs = /^\d+ \d+ (\S+) \S+ \/var\/lib\/lxcfs /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1];
  return mountinfo.split('\n').some((line) => {
    const [before, after] = line.split(' - ');
    return /^(fuse|fuseblk|9p|nfs\d?|cifs|smb3|ceph)(\.|\s|$)/.test(after ?? '') && before?.split(' ')[2] !== lxcfs;
  });
}
