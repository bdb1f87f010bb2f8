import { z } from 'zod';
import { phase, strings } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { PoolRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<PoolRow> = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  driver: z.string(),
  config: strings,
  phase,
});

export function createPoolTable(prisma: PrismaClient, unreadable: Unreadable): Store['pools'] {
  const table = createTable<PoolRow>({
    noun: 'storage pool',
    model: prisma.pool,
    key: 'id',
    schema,
    json: ['config'],
    orderBy: { name: 'asc' },
    unreadable,
  });
  return { ...table, findByName: async (name) => (await table.select({ name }))[0] ?? null };
}
