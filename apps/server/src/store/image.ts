import { z } from 'zod';
import { instanceType, metadata, phase, strings, time } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { ImageRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<ImageRow> = z.object({
  fingerprint: z.string(),
  filename: z.string(),
  sizeBytes: z.number(),
  type: instanceType,
  architecture: z.string(),
  public: z.boolean(),
  cached: z.boolean(),
  properties: strings,
  metadata,
  templates: strings,
  split: z.boolean(),
  phase,
  createdAtMs: time,
  uploadedAtMs: time,
  expiresAtMs: time.nullable(),
  lastUsedAtMs: time.nullable(),
});

export function createImageTable(prisma: PrismaClient, unreadable: Unreadable): Store['images'] {
  const table = createTable<ImageRow>({
    noun: 'image',
    model: prisma.image,
    key: 'fingerprint',
    schema,
    json: ['properties', 'metadata', 'templates'],
    integers: ['sizeBytes', 'createdAtMs', 'uploadedAtMs', 'expiresAtMs', 'lastUsedAtMs'],
    orderBy: { uploadedAtMs: 'asc' },
    unreadable,
  });
  return { ...table, findByPrefix: (prefix) => table.select({ fingerprint: { startsWith: prefix } }) };
}
