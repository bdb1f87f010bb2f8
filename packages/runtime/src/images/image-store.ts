import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import type { ImageMetadata } from '@stapes/contract/image';
import { walkArchive, type ArchiveLayout, type ArchiveVisitor } from './archive-walk.ts';
import { decompress, readFormat, type ArchiveFormat } from './compression.ts';
import { parseImageMetadata } from './metadata.ts';
import type { ImageStore, InspectedImage, StoredImage, UnpackLimits } from './source.ts';
import { checkSquashfs } from './squashfs.ts';
import { unpackRootfs } from './unpack.ts';

/** What an image may be at the most when nothing tighter is asked for. */
export const defaultUnpackLimits: UnpackLimits = { maxBytes: 64 * 1024 ** 3, maxEntries: 2_000_000 };

export function createImageStore(options: { limits?: UnpackLimits } = {}): ImageStore {
  const limits = options.limits ?? defaultUnpackLimits;
  return {
    inspect: (image) => inspectImage(image, limits),
    unpackRootfs,
  };
}

/** Goes through the whole image, so that a hostile one is refused when it is imported, not when an instance is made of it. */
async function inspectImage(image: StoredImage, limits: UnpackLimits): Promise<InspectedImage> {
  const paths = image.rootfsPath === null ? [image.metadataPath] : [image.metadataPath, image.rootfsPath];
  const found: { metadata: ImageMetadata | null; templates: Map<string, string> } = {
    metadata: null,
    templates: new Map(),
  };
  const visitor: ArchiveVisitor = {
    metadata: (bytes) => (found.metadata = parseImageMetadata(bytes)),
    template: (name, bytes) => found.templates.set(name, bytes.toString('utf8')),
    rootfs: () => undefined,
    rootfsContent: () => undefined,
  };
  const [{ fingerprint, sizeBytes }] = await Promise.all([hashFiles(paths), walk(image, limits, visitor)]);
  const { metadata, templates } = found;
  if (!metadata) throw new DomainError('invalid', 'The image has no metadata.yaml at its top');
  for (const { template } of Object.values(metadata.templates ?? {})) {
    if (!templates.has(template))
      throw new DomainError('invalid', `metadata.yaml names the template "${template}", which is not in templates/`);
  }
  return { fingerprint, sizeBytes, type: 'container', metadata, templates: Object.fromEntries(templates) };
}

async function walk(image: StoredImage, limits: UnpackLimits, visitor: ArchiveVisitor): Promise<void> {
  await walkFile(image.metadataPath, image.rootfsPath === null ? 'unified' : 'metadata', limits, visitor);
  if (image.rootfsPath === null) return;
  const format = await requireFormat(image.rootfsPath, 'root file system');
  if (format === 'squashfs') await checkSquashfs(image.rootfsPath, limits);
  else await walkArchive(decompress(image.rootfsPath, format), 'rootfs', limits, visitor);
}

async function walkFile(
  path: string,
  layout: ArchiveLayout,
  limits: UnpackLimits,
  visitor: ArchiveVisitor,
): Promise<void> {
  const format = await requireFormat(path, layout === 'unified' ? 'image' : 'metadata archive');
  await walkArchive(decompress(path, format), layout, limits, visitor);
}

async function requireFormat(path: string, what: string): Promise<ArchiveFormat> {
  const format = await readFormat(path);
  if (!format)
    throw new DomainError(
      'invalid',
      `The ${what} is neither a tar archive (plain, gzip, xz, zstd, bzip2) nor a squashfs`,
    );
  if (format === 'qcow2')
    throw new DomainError('unsupported', 'This is the image of a virtual machine; this server runs containers');
  return format;
}

async function hashFiles(paths: string[]): Promise<{ fingerprint: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for (const path of paths) {
    sizeBytes += (await stat(path)).size;
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  }
  return { fingerprint: hash.digest('hex'), sizeBytes };
}
