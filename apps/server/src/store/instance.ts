import { z } from 'zod';
import { deviceMap, instanceType, metadata, phase, strings, time } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { InstanceRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<InstanceRow> = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string(),
  description: z.string(),
  type: instanceType,
  architecture: z.string(),
  ephemeral: z.boolean(),
  profiles: z.array(z.string()),
  config: strings,
  devices: deviceMap,
  phase,
  desired: z.enum(['running', 'stopped']),
  poolId: z.string(),
  volumeId: z.string(),
  imageFingerprint: z.string().nullable(),
  metadata: metadata.nullable(),
  templates: strings,
  createdAtMs: time,
  lastUsedAtMs: time,
});

export function createInstanceTable(prisma: PrismaClient, unreadable: Unreadable): Store['instances'] {
  const table = createTable<InstanceRow>({
    noun: 'instance',
    model: prisma.instance,
    key: 'id',
    schema,
    json: ['profiles', 'config', 'devices', 'metadata', 'templates'],
    integers: ['createdAtMs', 'lastUsedAtMs'],
    orderBy: [{ project: 'asc' }, { name: 'asc' }],
    unreadable,
  });
  return { ...table, findByName: async (project, name) => (await table.select({ project, name }))[0] ?? null };
}
