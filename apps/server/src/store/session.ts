import { z } from 'zod';
import { time } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { SessionRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<SessionRow> = z.object({
  tokenHash: z.string(),
  id: z.string(),
  userId: z.string(),
  createdAtMs: time,
  lastSeenAtMs: time,
  expiresAtMs: time,
  address: z.string(),
  userAgent: z.string(),
});

export function createSessionTable(prisma: PrismaClient, unreadable: Unreadable): Store['sessions'] {
  const table = createTable<SessionRow>({
    noun: 'session',
    model: prisma.session,
    key: 'tokenHash',
    schema,
    integers: ['createdAtMs', 'lastSeenAtMs', 'expiresAtMs'],
    orderBy: { createdAtMs: 'asc' },
    unreadable,
  });
  return {
    ...table,
    ofUser: (userId) => table.select({ userId }),
    removeExpired: (nowMs) => table.removeWhere({ expiresAtMs: { lte: BigInt(nowMs) } }),
  };
}
