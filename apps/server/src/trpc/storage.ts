import type { CreateStoragePool, PutStoragePool } from '@stapes/contract/storage';
import { z } from 'zod';
import { etag, named, request, text } from './inputs.ts';
import { admin, router } from './trpc.ts';

export const storageRouter = router({
  list: admin.query(({ ctx }) => ctx.services.storage.list(ctx.context)),
  get: admin.input(named).query(({ ctx, input }) => ctx.services.storage.get(ctx.context, input.name)),
  create: admin
    .input(z.object({ request: request<CreateStoragePool>() }))
    .mutation(({ ctx, input }) => ctx.services.storage.create(ctx.context, input.request)),
  put: admin
    .input(z.object({ name: text, request: request<PutStoragePool>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.storage.put(ctx.context, input.name, input.request, input.etag)),
  patch: admin
    .input(z.object({ name: text, request: request<PutStoragePool>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.storage.patch(ctx.context, input.name, input.request, input.etag)),
  remove: admin.input(named).mutation(({ ctx, input }) => ctx.services.storage.remove(ctx.context, input.name)),
  resources: admin.input(named).query(({ ctx, input }) => ctx.services.storage.resources(ctx.context, input.name)),
  volumes: admin.input(named).query(({ ctx, input }) => ctx.services.storage.volumes(ctx.context, input.name)),
  drivers: admin.query(({ ctx }) => ctx.services.storage.drivers(ctx.context)),
});
