import { z } from 'zod';
import { instanceType } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { AliasRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<AliasRow> = z.object({
  name: z.string(),
  description: z.string(),
  type: instanceType,
  fingerprint: z.string(),
});

export function createAliasTable(prisma: PrismaClient, unreadable: Unreadable): Store['aliases'] {
  const table = createTable<AliasRow>({
    noun: 'image alias',
    model: prisma.alias,
    key: 'name',
    schema,
    orderBy: { name: 'asc' },
    unreadable,
  });
  return { ...table, ofImage: (fingerprint) => table.select({ fingerprint }) };
}
