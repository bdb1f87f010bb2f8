import { finishedStatuses } from '@stapes/contract/operation';
import { statusCodes, type StatusName } from '@stapes/contract/status';
import { z } from 'zod';
import { time } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { OperationLogRow, OperationRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const json = z.record(z.string(), z.unknown());
const schema = z.object({
  id: z.string(),
  kind: z.string(),
  class: z.enum(['task', 'websocket', 'token']),
  durable: z.boolean(),
  description: z.string(),
  project: z.string(),
  requestor: z.string(),
  params: z.unknown(),
  locks: z.array(z.string()),
  resources: z.record(z.string(), z.array(z.string())),
  metadata: json,
  status: z.enum(Object.keys(statusCodes) as [StatusName, ...StatusName[]]),
  stuck: z.boolean(),
  errorCode: z.string(),
  error: z.string(),
  createdAtMs: time,
  updatedAtMs: time,
});
const logSchema: z.ZodType<OperationLogRow> = z.object({
  operationId: z.string(),
  sequence: z.number(),
  step: z.string(),
  event: z.enum(['started', 'done', 'failed', 'undo-started', 'undone', 'undo-failed']),
  text: z.string(),
  atMs: time,
});

export function createOperationTables(
  prisma: PrismaClient,
  unreadable: Unreadable,
): Pick<Store, 'operations' | 'operationLog'> {
  const table = createTable<OperationRow>({
    noun: 'operation',
    model: prisma.operation,
    key: 'id',
    schema: schema as unknown as z.ZodType<OperationRow>,
    json: ['params', 'locks', 'resources', 'metadata'],
    integers: ['createdAtMs', 'updatedAtMs'],
    orderBy: [{ createdAtMs: 'desc' }, { id: 'desc' }],
    unreadable,
  });
  const open = { OR: [{ status: { notIn: [...finishedStatuses] } }, { stuck: true }] };
  const logData = (row: Omit<OperationLogRow, 'sequence'>) => ({ ...row, atMs: BigInt(row.atMs) });
  return {
    operations: {
      ...table,
      unfinished: () => table.select(open, { orderBy: { createdAtMs: 'asc' } }),
      newest: (limit) => table.select({}, { take: limit }),
      removeOlderThan: (ms) => table.removeWhere({ createdAtMs: { lt: BigInt(ms) }, NOT: open }),
    },
    operationLog: {
      async append(row) {
        await prisma.operationLog.create({ data: logData(row), select: { sequence: true } });
      },
      async record({ create, update, log = [] }) {
        await prisma.$transaction([
          ...(create ? [prisma.operation.createMany({ data: table.encode(create) as never })] : []),
          ...(update
            ? [prisma.operation.updateMany({ where: { id: update.id }, data: table.encode(update.change) })]
            : []),
          ...(log.length > 0 ? [prisma.operationLog.createMany({ data: log.map(logData) })] : []),
        ]);
      },
      async of(operationId) {
        const rows = await prisma.operationLog.findMany({ where: { operationId }, orderBy: { sequence: 'asc' } });
        return rows.map((row) => logSchema.parse({ ...row, atMs: Number(row.atMs) }));
      },
    },
  };
}
