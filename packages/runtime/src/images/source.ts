/** Where image files come from and how they are laid down. All input is hostile. */
import type { ImageMetadata } from '@stapes/contract/image';
import type { InstanceType } from '@stapes/contract/instance';

/** An image as stored: one unified tarball, or metadata tarball and root file system. Paths are of files that the server named. */
export interface StoredImage {
  metadataPath: string;
  /** Null for a unified image. */
  rootfsPath: string | null;
}
export interface InspectedImage {
  fingerprint: string;
  sizeBytes: number;
  type: InstanceType;
  metadata: ImageMetadata;
  /** Template name -> text (bounded). */
  templates: Record<string, string>;
}
export interface UnpackLimits {
  /** Bytes of the unpacked tree. */
  maxBytes: number;
  maxEntries: number;
}
export type Progress = (update: { text: string; fraction: number | null }) => void;

export interface ImageStore {
  /** Hashes the files (unified: sha256(file); split: sha256(metadata ++ rootfs)), reads metadata.yaml and templates; `invalid` tells what is wrong. */
  inspect(image: StoredImage): Promise<InspectedImage>;
  /** Unpacks the root file system into an empty directory; refuses hostile members; ids stay as in the archive. */
  unpackRootfs(
    image: StoredImage,
    directory: string,
    limits: UnpackLimits,
    options?: { signal?: AbortSignal; progress?: Progress },
  ): Promise<void>;
}

export interface Recipe {
  name: string;
  description: string;
  os: string;
  release: string;
  type: InstanceType;
  needsMirror: boolean;
}
export interface ImageBuilder {
  recipes(): Recipe[];
  /** True when a build that `scripts/prepare` made can be taken from the cache. */
  prepared(recipe: string): Promise<boolean>;
  /** Builds (or takes from the cache) a unified image at `target` (absent before; complete or absent after). */
  build(recipe: string, target: string, options: { signal?: AbortSignal; progress?: Progress }): Promise<void>;
}
