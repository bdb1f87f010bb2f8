import { z } from 'zod';
import { text } from './inputs.ts';
import { admin, router } from './trpc.ts';

const one = z.object({ id: text });

export const operationsRouter = router({
  list: admin.query(({ ctx }) => ctx.services.operations.list(ctx.context)),
  get: admin.input(one).query(({ ctx, input }) => ctx.services.operations.get(ctx.context, input.id)),
  /** At most a minute a call, so that no request is held for ever. */
  wait: admin
    .input(z.object({ id: text, timeoutS: z.number().min(0).max(60) }))
    .query(({ ctx, input }) => ctx.services.operations.wait(ctx.context, input.id, input.timeoutS)),
  cancel: admin.input(one).mutation(({ ctx, input }) => ctx.services.operations.cancel(ctx.context, input.id)),
  retry: admin.input(one).mutation(({ ctx, input }) => ctx.services.operations.retry(ctx.context, input.id)),
  history: admin.query(({ ctx }) => ctx.services.operations.history(ctx.context)),
});
