import type { CreateAlias, PutImage } from '@stapes/contract/image';
import { z } from 'zod';
import { etag, named, request, text } from './inputs.ts';
import { admin, router } from './trpc.ts';

const one = z.object({ fingerprint: text });

const aliasProcedures = {
  aliases: admin.query(({ ctx }) => ctx.services.images.aliases(ctx.context)),
  alias: admin.input(named).query(({ ctx, input }) => ctx.services.images.alias(ctx.context, input.name)),
  createAlias: admin
    .input(z.object({ request: request<CreateAlias>() }))
    .mutation(({ ctx, input }) => ctx.services.images.createAlias(ctx.context, input.request)),
  putAlias: admin
    .input(z.object({ name: text, request: request<{ target: string; description?: string }>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.images.putAlias(ctx.context, input.name, input.request, input.etag)),
  renameAlias: admin
    .input(z.object({ name: text, newName: text }))
    .mutation(({ ctx, input }) => ctx.services.images.renameAlias(ctx.context, input.name, input.newName)),
  removeAlias: admin
    .input(named)
    .mutation(({ ctx, input }) => ctx.services.images.removeAlias(ctx.context, input.name)),
};

/** Uploads and downloads go through the REST door (`/1.0/images`), which streams. */
export const imagesRouter = router({
  ...aliasProcedures,
  list: admin.query(({ ctx }) => ctx.services.images.list(ctx.context)),
  get: admin.input(one).query(({ ctx, input }) => ctx.services.images.get(ctx.context, input.fingerprint)),
  put: admin
    .input(z.object({ fingerprint: text, request: request<PutImage>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.images.put(ctx.context, input.fingerprint, input.request, input.etag)),
  patch: admin
    .input(z.object({ fingerprint: text, request: request<PutImage>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.images.patch(ctx.context, input.fingerprint, input.request, input.etag)),
  remove: admin.input(one).mutation(({ ctx, input }) => ctx.services.images.remove(ctx.context, input.fingerprint)),
  recipes: admin.query(({ ctx }) => ctx.services.images.recipes(ctx.context)),
  build: admin
    .input(z.object({ recipe: text }))
    .mutation(({ ctx, input }) => ctx.services.images.build(ctx.context, input.recipe)),
});
