import { join } from 'node:path';
import { z } from 'zod';
import type { Saga } from '../operations/saga.ts';
import {
  imageFiles,
  moveFile,
  removeImageFiles,
  removeUploadDirectory,
  uploadsDirectory,
} from '../services/image-files.ts';
import { imageUrl, publishLifecycle } from '../services/lifecycle.ts';
import { imageRowSchema, requestorSchema } from './row-schemas.ts';
import type { SagaDeps } from './saga-deps.ts';

export const imageImportParams = z.object({
  image: imageRowSchema,
  uploadId: z.string(),
  /** Bare names in the upload's directory. */
  metadataFile: z.string(),
  rootfsFile: z.string().nullable(),
  aliases: z.array(z.object({ name: z.string(), description: z.string() })),
  requestor: requestorSchema,
});
export type ImageImportParams = z.infer<typeof imageImportParams>;

export function imageImportSaga(deps: SagaDeps): Saga<ImageImportParams> {
  return {
    kind: 'image-import',
    params: imageImportParams,
    steps: [
      {
        name: 'record',
        async run({ image }, tools) {
          if (!(await deps.store.images.find(image.fingerprint)))
            await deps.store.images.create({ ...image, phase: 'creating' });
          tools.annotate({ fingerprint: image.fingerprint, size: String(image.sizeBytes) });
        },
        undo: ({ image }) => deps.store.images.remove(image.fingerprint),
      },
      {
        name: 'files',
        async run({ image, uploadId, metadataFile, rootfsFile }) {
          const from = join(uploadsDirectory(deps.config), uploadId);
          const to = imageFiles(deps.config, image);
          await moveFile(join(from, metadataFile), to.metadataPath);
          if (rootfsFile !== null && to.rootfsPath !== null) await moveFile(join(from, rootfsFile), to.rootfsPath);
        },
        undo: ({ image }) => removeImageFiles(deps.config, image.fingerprint),
      },
      {
        name: 'aliases',
        async run({ image, aliases }) {
          for (const alias of aliases) {
            const found = await deps.store.aliases.find(alias.name);
            if (found?.fingerprint === image.fingerprint) continue;
            await deps.store.aliases.create({ ...alias, type: image.type, fingerprint: image.fingerprint });
          }
        },
        async undo({ image, aliases }) {
          for (const alias of aliases) {
            const found = await deps.store.aliases.find(alias.name);
            if (found?.fingerprint === image.fingerprint) await deps.store.aliases.remove(alias.name);
          }
        },
      },
      {
        name: 'ready',
        async run({ image, requestor }) {
          await deps.store.images.update(image.fingerprint, { phase: 'ready' });
          publishLifecycle(deps, {
            action: 'image-created',
            source: imageUrl(image.fingerprint),
            name: image.fingerprint,
            requestor,
          });
        },
        async undo({ image }) {
          if (await deps.store.images.find(image.fingerprint))
            await deps.store.images.update(image.fingerprint, { phase: 'deleting' });
        },
      },
      {
        name: 'tidy',
        run: ({ uploadId }) => removeUploadDirectory(deps.config, uploadId),
        undo: ({ uploadId }) => removeUploadDirectory(deps.config, uploadId),
      },
    ],
  };
}
