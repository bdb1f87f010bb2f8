import { closeSync, constants, mkdirSync, openSync, readlinkSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { openat2, openPath, resolve } from '../../host/syscalls.ts';
import type { MachineSpec, MountSpec } from '../driver.ts';
import type { ResolvedMount } from './lxc-config.ts';

/** Fresh tmpfs or kernel file systems at start: nothing that lies there in the root file system counts. */
const madeAtStart = /^\/(dev|proc|sys)(\/|$)/;

/**
 * LXC creates missing mount targets by path, following links of the guest's. So targets are resolved and created here, beneath a
 * descriptor of the root file system, and LXC gets the path without links.
 */
export function resolveMounts(spec: MachineSpec, idmappedMounts: boolean): ResolvedMount[] {
  return spec.mounts.flatMap((mount) => {
    const isFile = sourceIsFile(mount);
    if (isFile === null) return [];
    return [
      {
        ...mount,
        isFile,
        idmapped: mount.shift && spec.idmap !== null && idmappedMounts,
        target: resolveTarget(spec.rootfs, mount.target, isFile),
      },
    ];
  });
}

/** Null: absent, and it need not be there. */
function sourceIsFile(mount: MountSpec): boolean | null {
  const found = statSync(mount.source, { throwIfNoEntry: false });
  if (found) return !found.isDirectory();
  if (!mount.required) return null;
  throw new DomainError(
    'not-found',
    `The source ${mount.source} of the mount at ${mount.target} does not exist on this host`,
  );
}

export function resolveTarget(rootfs: string, target: string, isFile: boolean): string {
  const wanted = posix.normalize(`/${target}`);
  if (wanted === '/') throw new DomainError('invalid', 'A mount cannot cover the whole root file system');
  if (madeAtStart.test(wanted)) return wanted;
  const root = openSync(rootfs, constants.O_DIRECTORY | constants.O_RDONLY);
  try {
    let parent = openat2(root, '/', {
      flags: openPath | constants.O_DIRECTORY,
      resolve: resolve.inRoot | resolve.noMagicLinks,
    });
    const parts = wanted.split('/').filter(Boolean);
    let walked = '';
    for (const [index, part] of parts.entries()) {
      walked += `/${part}`;
      const last = index === parts.length - 1;
      const next = openOrCreate(root, walked, { parent, part, isFile: isFile && last });
      closeSync(parent);
      parent = next;
    }
    const real = pathBeneath(root, parent);
    closeSync(parent);
    return real;
  } finally {
    closeSync(root);
  }
}

/** Each step is resolved from the root again, so that links in the middle work as they do inside. */
function openOrCreate(root: number, path: string, step: { parent: number; part: string; isFile: boolean }): number {
  const how = { flags: openPath, resolve: resolve.inRoot | resolve.noMagicLinks };
  try {
    return openat2(root, path, how);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT')
      throw new DomainError('invalid', `The mount target ${path} cannot be reached inside the instance`, {
        cause: error,
      });
  }
  const place = `/proc/self/fd/${step.parent}/${step.part}`;
  try {
    if (step.isFile) closeSync(openSync(place, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644));
    else mkdirSync(place, 0o755);
    return openat2(root, path, how);
  } catch (cause) {
    throw new DomainError(
      'invalid',
      `The mount target ${path} cannot be created inside the instance (a broken link in its place?)`,
      { cause },
    );
  }
}

function pathBeneath(root: number, fd: number): string {
  const base = readlinkSync(`/proc/self/fd/${root}`);
  const real = readlinkSync(`/proc/self/fd/${fd}`);
  if (real === base || !real.startsWith(`${base}/`))
    throw new DomainError('invalid', 'The mount target leads out of the instance');
  return real.slice(base.length);
}
