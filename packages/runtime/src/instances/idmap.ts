import { readFileSync } from 'node:fs';
import { DomainError } from '@stapes/contract/errors';
import type { IdmapRange } from './driver.ts';

/** What one isolated container gets by default, and how far it stays away from the shared part of the range. */
export const isolatedSize = 65_536;
const largest = 2 ** 32 - 2;

/** Ranges of root (or of uid 0) in `/etc/subuid` or `/etc/subgid`. */
export function parseSubids(text: string, user = 'root', uid = 0): IdmapRange[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([^:#]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim());
    if (!match || (match[1] !== user && match[1] !== String(uid))) return [];
    const range = { hostBase: Number(match[2]), size: Number(match[3]) };
    return range.size > 0 && range.hostBase + range.size - 1 <= largest ? [range] : [];
  });
}

/** The largest range that is in both lists: one map serves uids and gids. Null when root has none. */
export function commonRange(uids: readonly IdmapRange[], gids: readonly IdmapRange[]): IdmapRange | null {
  let best: IdmapRange | null = null;
  for (const uid of uids)
    for (const gid of gids) {
      const hostBase = Math.max(uid.hostBase, gid.hostBase);
      const size = Math.min(uid.hostBase + uid.size, gid.hostBase + gid.size) - hostBase;
      if (size > (best?.size ?? 0)) best = { hostBase, size };
    }
  return best;
}

/** The host's range for root. Without a usable entry: a million ids from 1000000, as Incus has it. */
export function readHostRange(files = { subuid: '/etc/subuid', subgid: '/etc/subgid' }): IdmapRange {
  const read = (path: string) => {
    try {
      return parseSubids(readFileSync(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  };
  const found = commonRange(read(files.subuid), read(files.subgid));
  return found && found.size >= isolatedSize ? found : { hostBase: 1_000_000, size: 1_000_000_000 };
}

export interface IdmapRequest {
  isolated: boolean;
  /** Wanted first host id (`security.idmap.base`). */
  base?: number;
  /** Wanted number of ids (`security.idmap.size`). */
  size?: number;
}

/**
 * Chooses the ids of an unprivileged container. A shared one has the whole host range; an isolated one the first gap behind the first
 * 65536 ids (in which most ids of the shared ones fall). `taken` are the ranges of the other isolated containers.
 */
export function allocateIdmap(host: IdmapRange, taken: readonly IdmapRange[], request: IdmapRequest): IdmapRange {
  if (!request.isolated) {
    const size = request.size ?? host.size;
    if (size > host.size) throw tooSmall(size, host);
    return { hostBase: host.hostBase, size };
  }
  const size = request.size ?? isolatedSize;
  if (!Number.isInteger(size) || size < 1)
    throw new DomainError('invalid', 'The number of ids must be a positive whole number', {
      details: { field: 'config.security.idmap.size' },
    });
  const end = host.hostBase + host.size;
  if (request.base !== undefined) return fixed({ hostBase: request.base, size }, host, taken);
  let hostBase = host.hostBase + isolatedSize;
  for (const other of [...taken].sort((a, b) => a.hostBase - b.hostBase)) {
    if (hostBase + size <= other.hostBase) break;
    hostBase = Math.max(hostBase, other.hostBase + other.size);
  }
  if (hostBase + size > end) throw tooSmall(size, host);
  return { hostBase, size };
}

function fixed(wanted: IdmapRange, host: IdmapRange, taken: readonly IdmapRange[]): IdmapRange {
  const end = wanted.hostBase + wanted.size;
  const details = { field: 'config.security.idmap.base' };
  if (wanted.hostBase < host.hostBase || end > host.hostBase + host.size)
    throw new DomainError(
      'invalid',
      `The ids ${wanted.hostBase} to ${end - 1} are not in root's range ${host.hostBase} to ${host.hostBase + host.size - 1} of /etc/subuid and /etc/subgid`,
      { details },
    );
  if (taken.some((other) => wanted.hostBase < other.hostBase + other.size && other.hostBase < end))
    throw new DomainError(
      'in-use',
      `The ids ${wanted.hostBase} to ${end - 1} overlap those of another isolated instance`,
      { details },
    );
  return wanted;
}

function tooSmall(size: number, host: IdmapRange): DomainError {
  return new DomainError(
    'unavailable',
    `There are not ${size} free ids left in root's range of ${host.size} (from ${host.hostBase}): enlarge it in /etc/subuid and /etc/subgid, or use fewer isolated instances`,
  );
}
