import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredImage, UnpackLimits } from '@stapes/runtime/images/source';
import type { ServerConfig } from '../config.ts';
import type { ImageRow } from '../store/store.ts';

/** Bombs end here: nobody's root file system is that big. */
export const unpackLimits: UnpackLimits = { maxBytes: 64 * 1024 ** 3, maxEntries: 4_000_000 };

export function imagesDirectory(config: ServerConfig): string {
  return join(config.stateDir, 'images');
}
/** Where uploads and builds lie until they have a fingerprint. Same file system as the images, so that a rename is all it takes. */
export function uploadsDirectory(config: ServerConfig): string {
  return join(config.stateDir, 'images', 'uploads');
}
export function imageFiles(config: ServerConfig, image: Pick<ImageRow, 'fingerprint' | 'split'>): StoredImage {
  const path = join(imagesDirectory(config), image.fingerprint);
  return { metadataPath: path, rootfsPath: image.split ? `${path}.rootfs` : null };
}

/** A private directory for files on their way in. */
export async function makeUploadDirectory(config: ServerConfig, id: string): Promise<string> {
  await mkdir(imagesDirectory(config), { recursive: true, mode: 0o700 });
  const directory = join(uploadsDirectory(config), id);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return directory;
}
export async function removeUploadDirectory(config: ServerConfig, id: string): Promise<void> {
  await rm(join(uploadsDirectory(config), id), { recursive: true, force: true });
}

/** Moves a file into place; a repeat after a crash finds it there already. */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
export async function removeImageFiles(config: ServerConfig, fingerprint: string): Promise<void> {
  const path = join(imagesDirectory(config), fingerprint);
  await rm(path, { force: true });
  await rm(`${path}.rootfs`, { force: true });
}
