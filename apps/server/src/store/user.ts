import { z } from 'zod';
import type { PrismaClient } from './generated/client.ts';
import type { Store, UserRow } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<UserRow> = z.object({
  id: z.string(),
  name: z.string(),
  passphraseHash: z.string().nullable(),
});

export function createUserTable(prisma: PrismaClient, unreadable: Unreadable): Store['users'] {
  return createTable<UserRow>({
    noun: 'user',
    model: prisma.user,
    key: 'id',
    schema,
    orderBy: { name: 'asc' },
    unreadable,
  });
}
