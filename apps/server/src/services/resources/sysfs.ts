import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Reads /proc and /sys (below another directory in tests). What cannot be read is empty. */
export interface Sysfs {
  text(path: string): Promise<string>;
  /** Undefined when it is no number. */
  number(path: string): Promise<number | undefined>;
  names(path: string): Promise<string[]>;
  /** Last part of what a link names: `driver` -> `e1000`. */
  linkName(path: string): Promise<string | undefined>;
}

export function createSysfs(root: string): Sysfs {
  const text = async (path: string) => (await readFile(join(root, path), 'utf8').catch(() => '')).trim();
  return {
    text,
    async number(path) {
      const found = await text(path);
      return /^-?\d+$/.test(found) ? Number(found) : undefined;
    },
    names: async (path) => (await readdir(join(root, path)).catch(() => [])).sort(compareNames),
    linkName: async (path) => basename(await readlink(join(root, path)).catch(() => '')) || undefined,
  };
}

/** `cpu2` before `cpu10`. */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Without what is not known. */
export function known<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''),
  ) as Partial<T>;
}

/** `0-3,8` -> 0, 1, 2, 3, 8. */
export function parseCpuList(text: string): Set<number> {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) continue;
    for (let id = Number(match[1]); id <= Number(match[2] ?? match[1]); id++) found.add(id);
  }
  return found;
}
