import { z } from 'zod';
import { deviceMap, strings } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { ProfileRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<ProfileRow> = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string(),
  description: z.string(),
  config: strings,
  devices: deviceMap,
});

export function createProfileTable(prisma: PrismaClient, unreadable: Unreadable): Store['profiles'] {
  const table = createTable<ProfileRow>({
    noun: 'profile',
    model: prisma.profile,
    key: 'id',
    schema,
    json: ['config', 'devices'],
    orderBy: [{ project: 'asc' }, { name: 'asc' }],
    unreadable,
  });
  return { ...table, findByName: async (project, name) => (await table.select({ project, name }))[0] ?? null };
}
