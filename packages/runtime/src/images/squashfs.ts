import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { run } from '../host/run.ts';
import { MemberPolicy } from './member-policy.ts';
import type { UnpackLimits } from './source.ts';
import type { TarMember } from './tar/member.ts';

const root = 'squashfs-root';
const kinds: Record<string, TarMember['type']> = {
  '-': 'file',
  d: 'directory',
  l: 'symlink',
  c: 'character',
  b: 'block',
  p: 'fifo',
  s: 'fifo',
};
const line =
  /^([-dlcbps])[-rwxsStT]{9} (\d+)\/(\d+) +(\d+|\d+, *\d+) \d{4}-\d\d-\d\d \d\d:\d\d squashfs-root(?:\/(.*))?$/;

/** Lists a squashfs and passes all of it through the member policy; returns the device nodes, which are not wanted. */
export async function checkSquashfs(path: string, limits: UnpackLimits, signal?: AbortSignal): Promise<string[]> {
  const { stdout } = await run('unsquashfs', ['-lln', '-d', root, path], {
    timeoutMs: 10 * 60_000,
    // Enough for long names of as many members as there may be; beyond that it is refused.
    maxOutputBytes: Math.min(512 * 1024 * 1024, 1024 * 1024 + limits.maxEntries * 300),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    throw asDamaged(error);
  });
  const policy = new MemberPolicy(limits);
  const devices: string[] = [];
  for (const text of stdout.split('\n')) {
    // A name with a line break gives a line of another form, or one that comes twice: both are refused.
    const match = line.exec(text);
    if (!match) {
      if (text === '' || /^(?:Parallel unsquashfs|\d+ inodes)/.test(text)) continue;
      throw new DomainError(
        'invalid',
        `The squashfs is refused: it has an entry that cannot be listed safely (${text.slice(0, 200)})`,
      );
    }
    const [, kind = '-', , , size = '0', rest = ''] = match;
    const type = kinds[kind] ?? 'fifo';
    const [name = '', linkTarget = ''] = type === 'symlink' ? splitLink(rest) : [rest];
    const bytes = type === 'file' ? Number(size) : 0;
    const { path: admitted } = policy.admit({
      type,
      name: name || '.',
      linkTarget,
      mode: 0,
      uid: 0,
      gid: 0,
      size: bytes,
      mtime: '0',
      attributes: new Map(),
    });
    if (kind === 'c' || kind === 'b') devices.push(admitted);
  }
  return devices;
}

function splitLink(rest: string): [string, string] {
  const at = rest.indexOf(' -> ');
  if (at < 0 || rest.includes(' -> ', at + 1))
    throw new DomainError(
      'invalid',
      `The squashfs is refused: the link "${rest.slice(0, 200)}" cannot be listed safely`,
    );
  return [rest.slice(0, at), rest.slice(at + 4)];
}

/** Unpacks into an empty directory. The same program reads the same bytes as in the check, so that both see one tree. */
export async function unpackSquashfs(
  path: string,
  directory: string,
  limits: UnpackLimits,
  signal?: AbortSignal,
): Promise<void> {
  const devices = await checkSquashfs(path, limits, signal);
  if ((await readdir(directory)).length > 0) throw new DomainError('internal', `${directory} is not empty`);
  await run('unsquashfs', ['-force', '-no-progress', '-quiet', '-xattrs', '-dest', directory, path], {
    timeoutMs: 30 * 60_000,
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    throw asDamaged(error);
  });
  // Every parent in the listing is a directory of this tree, and nobody else writes into it.
  for (const device of devices) await rm(join(directory, device), { force: true });
}

function asDamaged(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.code !== 'internal') return error;
  return new DomainError('invalid', 'The squashfs is damaged: unsquashfs cannot read it', {
    cause: error,
    details: error.details,
  });
}
