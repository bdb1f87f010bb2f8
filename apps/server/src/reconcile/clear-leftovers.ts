import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imagesDirectory, uploadsDirectory } from '../services/image-files.ts';
import type { BaseDeps } from '../services/deps.ts';

const namesIn = (directory: string): Promise<string[]> =>
  readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

/**
 * What no operation comes back to: an upload whose request ended with the server, and an image file that has no row yet (a build that was cut off builds anew, and
 * each build is another image). To be called before anything runs. Uploads that an unfinished operation names are its own.
 */
export async function clearLeftovers({
  config,
  store,
  log,
}: Pick<BaseDeps, 'config' | 'store' | 'log'>): Promise<void> {
  const wanted = JSON.stringify((await store.operations.unfinished()).map(({ params }) => params));
  const known = new Set((await store.images.list()).map(({ fingerprint }) => fingerprint));
  // A row that cannot be read still owns its files, and its operation may own an upload.
  if (store.unreadable().length > 0) return;
  const uploads = uploadsDirectory(config);
  for (const id of await namesIn(uploads))
    if (!wanted.includes(JSON.stringify(id))) await rm(join(uploads, id), { recursive: true, force: true });
  for (const name of await namesIn(imagesDirectory(config))) {
    const fingerprint = /^([0-9a-f]{64})(?:\.rootfs)?$/.exec(name)?.[1];
    if (fingerprint === undefined || known.has(fingerprint) || wanted.includes(fingerprint)) continue;
    log.info({ fingerprint }, 'a file of an image that was never recorded is removed');
    await rm(join(imagesDirectory(config), name), { force: true });
  }
}
