import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { openPath } from './syscalls.ts';

export interface MountLine {
  id: number;
  /** Of the file system: `254:0`. */
  device: string;
  /** What of the file system is mounted. */
  root: string;
  point: string;
}

/** In the order in which they were made, as a rule. */
export function parseMountTable(text: string): MountLine[] {
  return text.split('\n').flatMap((line) => {
    const [id, , device, root, point] = line.split(' ');
    if (id === undefined || device === undefined || root === undefined || point === undefined) return [];
    return [{ id: Number(id), device, root: decode(root), point: decode(point) }];
  });
}

/** The kernel writes bytes that would break a line as `\040`. */
function decode(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Which part of which file system lies at a path of this host, in the words of mount tables. Null when nothing is there. */
export function mountIdentity(path: string): { device: string; root: string } | null {
  let fd: number;
  try {
    fd = openSync(path, openPath);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  try {
    const id = Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]);
    const real = readlinkSync(`/proc/self/fd/${fd}`);
    const mount = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8')).find((line) => line.id === id);
    if (!mount) return null;
    const below = mount.point === '/' ? real : real.slice(mount.point.length);
    return {
      device: mount.device,
      root: `${mount.root === '/' ? '' : mount.root}${below === '/' ? '' : below}` || '/',
    };
  } finally {
    closeSync(fd);
  }
}
