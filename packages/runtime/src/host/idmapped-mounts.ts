import { closeSync, openSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { withNamespaces } from './helper-namespace.ts';
import { cloneMount, setMountAttributes } from './mounts.ts';

/** Tries, once a file system, whether mounts of it can map ids; the kernel's answer differs by file system type. */
export class IdmappedMounts {
  private readonly verdicts = new Map<string, Promise<boolean>>();

  supports(path: string): Promise<boolean> {
    const key = fileSystemOf(realpathSync(path));
    let verdict = this.verdicts.get(key);
    if (!verdict) {
      verdict = tryIdmap(path);
      this.verdicts.set(key, verdict);
    }
    return verdict;
  }
}

/** Device of the mount that covers a path; all subvolumes of a btrfs share it. */
function fileSystemOf(path: string): string {
  let best = { point: '', device: 'none' };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , device, , rawPoint] = line.split(' ');
    const point = rawPoint?.replaceAll('\\040', ' ');
    if (device === undefined || point === undefined) continue;
    if ((path === point || path.startsWith(point === '/' ? '/' : `${point}/`)) && point.length >= best.point.length)
      best = { point, device };
  }
  return best.device;
}

/** A real attempt: a user namespace with a map, and a detached copy of the mount that shall use it. */
async function tryIdmap(path: string): Promise<boolean> {
  const verdict = await withNamespaces(['--user'], (pid) => {
    for (const kind of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${kind}`, '0 1000000 65536');
    const namespace = openSync(`/proc/${pid}/ns/user`, 'r');
    try {
      return canMap(path, namespace);
    } finally {
      closeSync(namespace);
    }
  });
  return verdict ?? false;
}

function canMap(path: string, namespace: number): boolean {
  const mount = cloneMount(path, { recursive: false });
  try {
    setMountAttributes(mount, { readOnly: false, userNamespaceFd: namespace, recursive: false });
    return true;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'EINVAL' || code === 'EPERM' || code === 'ENOSYS' || code === 'EOPNOTSUPP') return false;
    throw error;
  } finally {
    closeSync(mount);
  }
}
