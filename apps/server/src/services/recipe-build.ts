import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InspectedImage } from '@stapes/runtime/images/source';
import type { StepTools } from '../operations/saga.ts';
import type { ImageRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { imageFiles, makeUploadDirectory, moveFile, removeUploadDirectory } from './image-files.ts';
import { imageUrl, publishLifecycle, type Requestor } from './lifecycle.ts';

export function toImageRow(
  found: InspectedImage,
  given: { filename: string; split: boolean; public?: boolean; properties?: Record<string, string> },
): ImageRow {
  const { metadata } = found;
  return {
    fingerprint: found.fingerprint,
    filename: given.filename,
    sizeBytes: found.sizeBytes,
    type: found.type,
    architecture: metadata.architecture,
    public: given.public ?? false,
    cached: false,
    properties: { ...(metadata.properties ?? {}), ...(given.properties ?? {}) },
    metadata,
    templates: found.templates,
    split: given.split,
    phase: 'ready',
    createdAtMs: metadata.creation_date * 1000,
    uploadedAtMs: Date.now(),
    expiresAtMs: metadata.expiry_date ? metadata.expiry_date * 1000 : null,
    lastUsedAtMs: null,
  };
}

/** Image that a recipe was built into, or null. */
export async function builtImage(deps: BaseDeps, recipe: string): Promise<ImageRow | null> {
  const alias = await deps.store.aliases.find(recipe);
  return alias ? deps.store.images.find(alias.fingerprint) : null;
}

/**
 * Builds a recipe and stores the image under the recipe's name as its alias; `replace` builds again and moves the alias. One build of a recipe at a
 * time: a second one waits, and finds it done.
 */
export function ensureRecipeBuilt(
  deps: BaseDeps,
  request: { recipe: string; buildId: string; replace: boolean; requestor: Requestor },
  tools: StepTools,
): Promise<ImageRow> {
  const { recipe, buildId, requestor } = request;
  return deps.live.exclusive(`build ${recipe}`, async () => {
    const before = await builtImage(deps, recipe);
    if (before && !request.replace) return before;
    const directory = await makeUploadDirectory(deps.config, buildId);
    try {
      const target = join(directory, 'image');
      await rm(target, { force: true });
      await deps.runtime.builder.build(recipe, target, {
        signal: tools.signal,
        progress: ({ text, fraction }) => tools.progress(text, fraction),
      });
      tools.progress('Storing the image', null);
      const found = await deps.runtime.images.inspect({ metadataPath: target, rootfsPath: null });
      const row = toImageRow(found, { filename: `${recipe.replaceAll('/', '-')}.tar`, split: false });
      await moveFile(target, imageFiles(deps.config, row).metadataPath);
      if (!(await deps.store.images.find(row.fingerprint))) await deps.store.images.create(row);
      const alias = { name: recipe, description: '', type: row.type, fingerprint: row.fingerprint };
      if (await deps.store.aliases.find(recipe)) await deps.store.aliases.update(recipe, alias);
      else await deps.store.aliases.create(alias);
      publishLifecycle(deps, {
        action: 'image-created',
        source: imageUrl(row.fingerprint),
        name: row.fingerprint,
        requestor,
      });
      return row;
    } finally {
      await removeUploadDirectory(deps.config, buildId);
    }
  });
}
