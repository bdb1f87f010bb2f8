import { z } from 'zod';
import { etag } from './inputs.ts';
import { admin, permitted, router } from './trpc.ts';

export const serverRouter = router({
  /** Says little to strangers. */
  info: permitted('public').query(({ ctx }) => ctx.services.server.info(ctx.context)),
  warnings: admin.query(({ ctx }) => ctx.services.server.warnings(ctx.context)),
  resources: admin.query(({ ctx }) => ctx.services.server.resources(ctx.context)),
  putConfig: admin
    .input(z.object({ config: z.record(z.string(), z.string()), merge: z.boolean(), etag }))
    .mutation(({ ctx, input }) => ctx.services.server.putConfig(ctx.context, input.config, input.merge, input.etag)),
});
