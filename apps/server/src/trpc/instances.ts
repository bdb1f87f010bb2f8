import type {
  CreateInstance,
  ExecRequest,
  PatchInstance,
  PutInstance,
  PutInstanceState,
} from '@stapes/contract/instance';
import { z } from 'zod';
import { etag, named, request, text } from './inputs.ts';
import { admin, router } from './trpc.ts';

type ConsoleRequest = { width?: number; height?: number; type?: string; force?: boolean };

const lifecycle = {
  create: admin
    .input(z.object({ request: request<CreateInstance>() }))
    .mutation(({ ctx, input }) => ctx.services.instances.create(ctx.context, input.request)),
  put: admin
    .input(z.object({ name: text, request: request<PutInstance>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.instances.put(ctx.context, input.name, input.request, input.etag)),
  patch: admin
    .input(z.object({ name: text, request: request<PatchInstance>(), etag }))
    .mutation(({ ctx, input }) => ctx.services.instances.patch(ctx.context, input.name, input.request, input.etag)),
  rename: admin
    .input(z.object({ name: text, newName: text }))
    .mutation(({ ctx, input }) => ctx.services.instances.rename(ctx.context, input.name, input.newName)),
  remove: admin.input(named).mutation(({ ctx, input }) => ctx.services.instances.remove(ctx.context, input.name)),
  setState: admin
    .input(z.object({ name: text, request: request<PutInstanceState>() }))
    .mutation(({ ctx, input }) => ctx.services.instances.setState(ctx.context, input.name, input.request)),
  bulkState: admin
    .input(z.object({ names: z.array(text).max(10_000), request: request<PutInstanceState>() }))
    .mutation(({ ctx, input }) => ctx.services.instances.bulkState(ctx.context, input.names, input.request)),
  exec: admin
    .input(z.object({ name: text, request: request<ExecRequest>() }))
    .mutation(({ ctx, input }) => ctx.services.instances.exec(ctx.context, input.name, input.request)),
  console: admin
    .input(z.object({ name: text, request: request<ConsoleRequest>() }))
    .mutation(({ ctx, input }) => ctx.services.instances.console(ctx.context, input.name, input.request)),
};

const logs = {
  consoleLog: admin
    .input(named)
    .query(async ({ ctx, input }) =>
      (await ctx.services.instances.consoleLog(ctx.context, input.name)).toString('utf8'),
    ),
  clearConsoleLog: admin
    .input(named)
    .mutation(({ ctx, input }) => ctx.services.instances.clearConsoleLog(ctx.context, input.name)),
  logs: admin.input(named).query(({ ctx, input }) => ctx.services.instances.logs(ctx.context, input.name)),
  log: admin
    .input(z.object({ name: text, file: text }))
    .query(async ({ ctx, input }) =>
      (await ctx.services.instances.log(ctx.context, input.name, input.file)).toString('utf8'),
    ),
  removeLog: admin
    .input(z.object({ name: text, file: text }))
    .mutation(({ ctx, input }) => ctx.services.instances.removeLog(ctx.context, input.name, input.file)),
};

export const instancesRouter = router({
  ...lifecycle,
  ...logs,
  list: admin.query(({ ctx }) => ctx.services.instances.list(ctx.context)),
  listFull: admin.query(({ ctx }) => ctx.services.instances.listFull(ctx.context)),
  get: admin.input(named).query(({ ctx, input }) => ctx.services.instances.get(ctx.context, input.name)),
  getFull: admin.input(named).query(({ ctx, input }) => ctx.services.instances.getFull(ctx.context, input.name)),
  state: admin.input(named).query(({ ctx, input }) => ctx.services.instances.state(ctx.context, input.name)),
  preview: admin
    .input(z.object({ request: request<CreateInstance>() }))
    .query(({ ctx, input }) => ctx.services.instances.preview(ctx.context, input.request)),
  suggestName: admin.query(({ ctx }) => ctx.services.instances.suggestName(ctx.context)),
  usageHistory: admin
    .input(named)
    .query(({ ctx, input }) => ctx.services.instances.usageHistory(ctx.context, input.name)),
  usageStream: admin.subscription(async function* ({ ctx, signal }) {
    yield* ctx.services.instances.usageStream(ctx.context, signal ?? new AbortController().signal);
  }),
  metadata: admin.input(named).query(({ ctx, input }) => ctx.services.instances.metadata(ctx.context, input.name)),
});
