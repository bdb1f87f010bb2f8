import { z } from 'zod';
import { deviceMap, phase, strings, time } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { SnapshotRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<SnapshotRow> = z.object({
  id: z.string(),
  instanceId: z.string(),
  name: z.string(),
  description: z.string(),
  config: strings,
  devices: deviceMap,
  profiles: z.array(z.string()),
  ephemeral: z.boolean(),
  phase,
  createdAtMs: time,
  expiresAtMs: time.nullable(),
});

export function createSnapshotTable(prisma: PrismaClient, unreadable: Unreadable): Store['snapshots'] {
  const table = createTable<SnapshotRow>({
    noun: 'snapshot',
    model: prisma.snapshot,
    key: 'id',
    schema,
    json: ['config', 'devices', 'profiles'],
    integers: ['createdAtMs', 'expiresAtMs'],
    orderBy: [{ createdAtMs: 'asc' }, { name: 'asc' }],
    unreadable,
  });
  return {
    ...table,
    ofInstance: (instanceId) => table.select({ instanceId }),
    findByName: async (instanceId, name) => (await table.select({ instanceId, name }))[0] ?? null,
  };
}
