import { readdir, stat } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import { formatBytes } from '@stapes/contract/units';
import { walkArchive } from './archive-walk.ts';
import { decompress, readFormat } from './compression.ts';
import type { Progress, StoredImage, UnpackLimits } from './source.ts';
import { unpackSquashfs } from './squashfs.ts';
import { TreeSink } from './tree-sink.ts';

interface UnpackOptions {
  signal?: AbortSignal;
  progress?: Progress;
}

/** Lays an image's root file system into an empty directory. When it throws, the directory holds a part of it and is the caller's to remove. */
export async function unpackRootfs(
  image: StoredImage,
  directory: string,
  limits: UnpackLimits,
  options: UnpackOptions = {},
): Promise<void> {
  // What lies there already could be a link that leads elsewhere.
  if ((await readdir(directory)).length > 0)
    throw new DomainError('internal', `Cannot unpack an image into ${directory}: it is not empty`);
  try {
    await unpack(image, directory, limits, options);
  } catch (error) {
    throw options.signal?.aborted
      ? new DomainError('cancelled', 'Unpacking the image was cancelled', { cause: error })
      : error;
  }
}

async function unpack(
  image: StoredImage,
  directory: string,
  limits: UnpackLimits,
  { signal, progress }: UnpackOptions,
): Promise<void> {
  const path = image.rootfsPath ?? image.metadataPath;
  const format = await readFormat(path);
  if (!format || format === 'qcow2')
    throw new DomainError('invalid', 'The image has no root file system that can be unpacked');
  if (format === 'squashfs') {
    if (image.rootfsPath === null)
      throw new DomainError('invalid', 'A squashfs alone is no image: its metadata archive is missing');
    progress?.({ text: 'Unpacking the image', fraction: null });
    await unpackSquashfs(path, directory, limits, signal);
    return;
  }
  const report = progressOf((await stat(path)).size, progress);
  const sink = new TreeSink(directory);
  try {
    const chunks = decompress(path, format, { onRead: report, ...(signal ? { signal } : {}) });
    await walkArchive(chunks, image.rootfsPath === null ? 'unified' : 'rootfs', limits, {
      metadata: () => undefined,
      template: () => undefined,
      rootfs: (member) => sink.member(member),
      rootfsContent: (chunk) => sink.content(chunk),
    });
    await sink.finish();
  } finally {
    await sink.abandon();
  }
}

/** At most one report a percent. */
function progressOf(totalBytes: number, progress: Progress | undefined): (readBytes: number) => void {
  let last = -1;
  return (readBytes) => {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * readBytes) / totalBytes);
    if (percent === last) return;
    last = percent;
    progress?.({
      text: `Unpacking the image (${formatBytes(readBytes)} of ${formatBytes(totalBytes)})`,
      fraction: percent / 100,
    });
  };
}
