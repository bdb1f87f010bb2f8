import type { CreateNetwork, PutNetwork } from '@stapes/contract/network';
import { z } from 'zod';
import { etag, named, request, text } from './inputs.ts';
import { admin, router } from './trpc.ts';

export const networksRouter = router({
  list: admin.query(({ ctx }) => ctx.services.networks.list(ctx.context)),
  get: admin.input(named).query(({ ctx, input }) => ctx.services.networks.get(ctx.context, input.name)),
  create: admin
    .input(z.object({ request: request<CreateNetwork>() }))
    .mutation(({ ctx, input }) => ctx.services.networks.create(ctx.context, input.request)),
  put: admin
    .input(z.object({ name: text, request: request<PutNetwork>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.networks.put(ctx.context, input.name, input.request, input.etag)),
  patch: admin
    .input(z.object({ name: text, request: request<PutNetwork>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.networks.patch(ctx.context, input.name, input.request, input.etag)),
  remove: admin.input(named).mutation(({ ctx, input }) => ctx.services.networks.remove(ctx.context, input.name)),
  leases: admin.input(named).query(({ ctx, input }) => ctx.services.networks.leases(ctx.context, input.name)),
  state: admin.input(named).query(({ ctx, input }) => ctx.services.networks.state(ctx.context, input.name)),
});
