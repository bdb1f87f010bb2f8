import type { CreateSnapshot } from '@stapes/contract/instance';
import { z } from 'zod';
import { etag, request, text } from './inputs.ts';
import { admin, router } from './trpc.ts';

const ofInstance = z.object({ instance: text });
const one = z.object({ instance: text, snapshot: text });

export const snapshotsRouter = router({
  list: admin.input(ofInstance).query(({ ctx, input }) => ctx.services.snapshots.list(ctx.context, input.instance)),
  get: admin
    .input(one)
    .query(({ ctx, input }) => ctx.services.snapshots.get(ctx.context, input.instance, input.snapshot)),
  create: admin
    .input(z.object({ instance: text, request: request<CreateSnapshot>() }))
    .mutation(({ ctx, input }) => ctx.services.snapshots.create(ctx.context, input.instance, input.request)),
  rename: admin
    .input(z.object({ instance: text, snapshot: text, newName: text }))
    .mutation(({ ctx, input }) =>
      ctx.services.snapshots.rename(ctx.context, input.instance, input.snapshot, input.newName),
    ),
  update: admin
    .input(z.object({ instance: text, snapshot: text, request: request<{ expires_at?: string | null }>(), etag }))
    .mutation(({ ctx, input }) =>
      ctx.services.snapshots.update(ctx.context, input.instance, input.snapshot, input.request, input.etag),
    ),
  remove: admin
    .input(one)
    .mutation(({ ctx, input }) => ctx.services.snapshots.remove(ctx.context, input.instance, input.snapshot)),
});
