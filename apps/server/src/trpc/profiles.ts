import type { CreateProfile, PutProfile } from '@stapes/contract/profile';
import { z } from 'zod';
import { etag, named, request, text } from './inputs.ts';
import { admin, router } from './trpc.ts';

export const profilesRouter = router({
  list: admin.query(({ ctx }) => ctx.services.profiles.list(ctx.context)),
  get: admin.input(named).query(({ ctx, input }) => ctx.services.profiles.get(ctx.context, input.name)),
  create: admin
    .input(z.object({ request: request<CreateProfile>() }))
    .mutation(({ ctx, input }) => ctx.services.profiles.create(ctx.context, input.request)),
  put: admin
    .input(z.object({ name: text, request: request<PutProfile>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.profiles.put(ctx.context, input.name, input.request, input.etag)),
  patch: admin
    .input(z.object({ name: text, request: request<PutProfile>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.profiles.patch(ctx.context, input.name, input.request, input.etag)),
  remove: admin.input(named).mutation(({ ctx, input }) => ctx.services.profiles.remove(ctx.context, input.name)),
  rename: admin
    .input(z.object({ name: text, newName: text }))
    .mutation(({ ctx, input }) => ctx.services.profiles.rename(ctx.context, input.name, input.newName)),
});
