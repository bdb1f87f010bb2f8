import { closeSync, constants, mkdirSync, openSync, readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { withNamespaces } from '../../host/helper-namespace.ts';
import { attachMount, cloneMount, inMountNamespace, setMountAttributes, unmountPath } from '../../host/mounts.ts';
import { openPath } from '../../host/syscalls.ts';
import type { ResolvedMount } from './lxc-config.ts';

/**
 * Root of an unprivileged instance may remount what its own mount namespace made read-only, and write. It may not where the mount was read-only
 * before it came into a user namespace: the kernel locks that. So a read-only view is mounted on the host first, and the instance gets it from there.
 */
export function stageReadOnlyDisks(directory: string, mounts: readonly ResolvedMount[]): ResolvedMount[] {
  return mounts.map((mount, index) => {
    if (!mount.readOnly) return mount;
    return { ...mount, source: stage(join(directory, String(index)), mount) };
  });
}

function stage(place: string, mount: { source: string; recursive: boolean }): string {
  // Init, which has no rights of its own on the host, must pass through here.
  mkdirSync(join(place, '..'), { recursive: true, mode: 0o711 });
  if (statSync(mount.source).isDirectory()) mkdirSync(place, { recursive: true });
  else closeSync(openSync(place, constants.O_CREAT | constants.O_WRONLY, 0o600));
  const view = cloneMount(mount.source, mount);
  try {
    setMountAttributes(view, { readOnly: true, userNamespaceFd: null, recursive: mount.recursive });
    const target = openSync(place, openPath);
    try {
      attachMount(view, target);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(view);
  }
  return place;
}

/** They stay while the instance runs, as it takes them anew when it is rebooted from inside. Absent is fine. */
export function unstageReadOnlyDisks(directory: string): void {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of names) unstage(join(directory, name));
  rmdirSync(directory);
}

/** Never recursive: what is still mounted must not be taken for our own files. */
function unstage(place: string): void {
  while (unmountPath(place));
  if (statSync(place).isDirectory()) rmdirSync(place);
  else unlinkSync(place);
}

/** A detached read-only copy that root of another user namespace cannot make writable. */
export async function lockedReadOnlyMount(
  directory: string,
  mount: { source: string; recursive: boolean },
): Promise<number> {
  const place = stage(join(directory, 'plug'), mount);
  try {
    // Whoever gets a copy of all mounts with a new user namespace gets them locked; a copy of that copy stays so.
    const fd = await withNamespaces(['--user', '--mount'], (pid) => {
      const namespace = openSync(`/proc/${pid}/ns/mnt`, 'r');
      try {
        return inMountNamespace(namespace, (calls) => calls.clone(place, mount));
      } finally {
        closeSync(namespace);
      }
    });
    if (fd === null) throw new DomainError('unsupported', 'The kernel refuses new user namespaces');
    return fd;
  } finally {
    unstage(place);
  }
}
