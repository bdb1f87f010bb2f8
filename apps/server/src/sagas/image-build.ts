import { z } from 'zod';
import type { Saga } from '../operations/saga.ts';
import { removeUploadDirectory } from '../services/image-files.ts';
import { ensureRecipeBuilt } from '../services/recipe-build.ts';
import { requestorSchema } from './row-schemas.ts';
import type { SagaDeps } from './saga-deps.ts';

export const imageBuildParams = z.object({ recipe: z.string(), buildId: z.string(), requestor: requestorSchema });
export type ImageBuildParams = z.infer<typeof imageBuildParams>;

export function imageBuildSaga(deps: SagaDeps): Saga<ImageBuildParams> {
  return {
    kind: 'image-build',
    params: imageBuildParams,
    steps: [
      {
        name: 'build',
        async run({ recipe, buildId, requestor }, tools) {
          const image = await ensureRecipeBuilt(deps, { recipe, buildId, replace: true, requestor }, tools);
          tools.annotate({ fingerprint: image.fingerprint });
        },
        undo: ({ buildId }) => removeUploadDirectory(deps.config, buildId),
      },
    ],
  };
}
