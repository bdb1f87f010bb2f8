import { z } from 'zod';
import { phase, strings } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { NetworkRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<NetworkRow> = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  type: z.literal('bridge'),
  config: strings,
  phase,
});

export function createNetworkTable(prisma: PrismaClient, unreadable: Unreadable): Store['networks'] {
  const table = createTable<NetworkRow>({
    noun: 'network',
    model: prisma.network,
    key: 'id',
    schema,
    json: ['config'],
    orderBy: { name: 'asc' },
    unreadable,
  });
  return { ...table, findByName: async (name) => (await table.select({ name }))[0] ?? null };
}
