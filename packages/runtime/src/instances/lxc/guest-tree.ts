import { closeSync, constants } from 'node:fs';
import { opendir, rmdir, unlink } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import { openat2, resolve } from '../../host/syscalls.ts';

/** Each folder on the way down is open meanwhile. */
const maxDepth = 4_000;
/** A guest that makes files faster than we remove them must not keep us for ever. */
const maxRemoved = 20_000_000;
const namesAtOnce = 10_000;
const readAtOnce = 1_000;
const removedAtOnce = 32;

/**
 * Names in a folder, at most `most` of them. How big a folder is, and how long the kernel takes for a big file, is up to the guest: so
 * all that may take long is done in Node's threads, and the server answers others meanwhile.
 */
export async function namesIn(folder: number, most: number): Promise<string[]> {
  const names: string[] = [];
  if (most === 0) return names;
  for await (const { name } of await opendir(`/proc/self/fd/${folder}`, { bufferSize: readAtOnce })) {
    names.push(name);
    if (names.length === most) break;
  }
  return names;
}

interface Entry {
  parent: number;
  name: string;
}

/** Depth first; each folder is opened beneath its own parent without following a link, and no other mount is entered. */
export async function removeTree(parent: number, name: string, recursive: boolean): Promise<void> {
  const entry = { parent, name };
  if (!(await removeUnlessFolder(entry))) return;
  if (recursive) await emptyFolder(entry, { depth: 1, budget: { left: maxRemoved } });
  await rmdir(placeOf(entry));
}

/** Not looked at before: a mount of the guest's in its place might never answer. Returns whether it is a folder. */
async function removeUnlessFolder(entry: Entry): Promise<boolean> {
  try {
    await unlink(placeOf(entry));
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return true;
    throw error;
  }
}

async function emptyFolder(folder: Entry, walk: { depth: number; budget: { left: number } }): Promise<void> {
  if (walk.depth > maxDepth)
    throw new DomainError(
      'too-large',
      `The folders are nested deeper than ${maxDepth}: remove them from inside the instance`,
    );
  const fd = openat2(folder.parent, folder.name, {
    flags: constants.O_DIRECTORY | constants.O_NOFOLLOW,
    resolve: resolve.beneath | resolve.noXdev,
  });
  try {
    for (;;) {
      const names = await namesIn(fd, namesAtOnce);
      if (names.length === 0) return;
      spend(walk.budget, names.length);
      // One after the other, as each holds a descriptor of all that are above it.
      for (const name of await removeFiles(fd, names)) {
        await unlessGone(async () => {
          await emptyFolder({ parent: fd, name }, { ...walk, depth: walk.depth + 1 });
          await rmdir(placeOf({ parent: fd, name }));
        });
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Returns what is left: the folders. */
async function removeFiles(parent: number, names: string[]): Promise<string[]> {
  const folders: string[] = [];
  for (let at = 0; at < names.length; at += removedAtOnce) {
    await Promise.all(
      names.slice(at, at + removedAtOnce).map((name) =>
        unlessGone(async () => {
          if (await removeUnlessFolder({ parent, name })) folders.push(name);
        }),
      ),
    );
  }
  return folders;
}

function spend(budget: { left: number }, count: number): void {
  budget.left -= count;
  if (budget.left < 0)
    throw new DomainError(
      'too-large',
      `There are more than ${maxRemoved} entries, or new ones all the time: remove them from inside the instance`,
    );
}

function placeOf({ parent, name }: Entry): string {
  return `/proc/self/fd/${parent}/${name}`;
}

/** The guest may be faster. */
async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
}
