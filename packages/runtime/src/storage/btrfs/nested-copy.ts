import { constants } from 'node:fs';
import { open, rmdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { closeDescriptor, openat2, resolve } from '../../host/syscalls.ts';

const gone = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV']);

/**
 * Puts a copy of a subvolume that an instance has made within its tree into the copy of that tree. The instance may run and move things about since they were
 * listed, so that both ends are opened beneath their trees and without links: what is no longer there is left out, and nothing outside is reached.
 */
export async function copyNested(
  { from, to, path }: { from: string; to: string; path: string },
  snapshot: (source: string, target: string) => Promise<void>,
): Promise<void> {
  await beneath(from, path, (source) =>
    beneath(to, dirname(path), async (parent) => {
      const target = `${parent}/${basename(path)}`;
      // A snapshot leaves an empty folder in the place of each subvolume.
      const isEmpty = await rmdir(target).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (gone.has(error.code ?? '')) return false;
          throw error;
        },
      );
      if (isEmpty) await snapshot(source, target);
    }),
  );
}

/** `work` gets a path that leads to the opened folder in any process of root. */
async function beneath(root: string, path: string, work: (place: string) => Promise<void>): Promise<void> {
  const directory = await open(root, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    let fd: number;
    try {
      fd = openat2(directory.fd, path, {
        flags: constants.O_DIRECTORY,
        resolve: resolve.beneath | resolve.noSymlinks | resolve.noMagicLinks,
      });
    } catch (error) {
      if (gone.has((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
    try {
      await work(`/proc/${process.pid}/fd/${fd}`);
    } finally {
      closeDescriptor(fd);
    }
  } finally {
    await directory.close();
  }
}
