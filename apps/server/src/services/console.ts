import { DomainError } from '@stapes/contract/errors';
import type { Operation } from '@stapes/contract/operation';
import { z } from 'zod';
import type { Context } from './context.ts';
import { runInteractive } from './exec.ts';
import { ExecSockets } from './exec-sockets.ts';
import type { InstanceDeps } from './instances.ts';
import { requireInstance } from './instance-views.ts';
import { instanceUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { admit, invalid, parse } from './validate.ts';

const consoleSchema = z.object({
  width: z.number().int().min(0).max(65535).optional(),
  height: z.number().int().min(0).max(65535).optional(),
  type: z.string().max(32).optional(),
  force: z.boolean().optional(),
});

/** Text console: fds 0 and control. One at a time; `force` ends the other. */
export async function openConsole(
  deps: InstanceDeps,
  context: Context,
  name: string,
  input: unknown,
): Promise<Operation> {
  admit(context);
  const request = parse(consoleSchema, input ?? {});
  if (request.type && request.type !== 'console') throw invalid('type', 'Containers have a text console only');
  const row = await requireInstance(deps, context.project, name);
  const power = deps.runtime.instances.container.can.console;
  if (!power) throw new DomainError('unsupported', 'This kind of instance has no console');
  const command = await power.command({ id: row.id });
  const url = instanceUrl(row.name);
  const lock = `console:${row.id}`;
  if (request.force) await endOther(deps, context, url);
  const sockets = new ExecSockets(['0', 'control'], ['0', 'control']);
  const operation = await deps.engine.startSocket(context, 'instance-console', {
    description: 'Showing console',
    locks: [lock],
    resources: { instances: [url] },
    cancelable: true,
    secrets: sockets.secrets,
    connect: (fd, socket) => sockets.connect(fd, socket),
    run: async (tools) => {
      try {
        await sockets.ready(tools.signal);
        await runInteractive(command, { cols: request.width || 80, rows: request.height || 24 }, sockets, tools);
        return {};
      } finally {
        setImmediate(() => sockets.close());
      }
    },
  });
  publishLifecycle(deps, {
    action: 'instance-console',
    source: url,
    name,
    project: row.project,
    requestor: requestorOf(context),
    context: { type: 'console' },
  });
  return operation;
}

async function endOther(deps: InstanceDeps, context: Context, url: string): Promise<void> {
  for (const operation of deps.engine.list()) {
    if (operation.description !== 'Showing console' || operation.status !== 'Running') continue;
    if (!operation.resources?.instances?.includes(url)) continue;
    await deps.engine.cancel(context, operation.id);
    await deps.engine.wait(operation.id, 10);
  }
}
