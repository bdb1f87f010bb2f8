import { createTerminalSchema } from '@stapes/contract/terminal';
import { z } from 'zod';
import { text } from './inputs.ts';
import { admin, router } from './trpc.ts';

/** Attaching is `/ws/terminals/<id>`. */
export const terminalsRouter = router({
  list: admin.query(({ ctx }) => ctx.services.terminals.list(ctx.context)),
  create: admin
    .input(createTerminalSchema)
    .mutation(({ ctx, input }) => ctx.services.terminals.create(ctx.context, input)),
  close: admin
    .input(z.object({ id: text }))
    .mutation(({ ctx, input }) => ctx.services.terminals.close(ctx.context, input.id)),
});
