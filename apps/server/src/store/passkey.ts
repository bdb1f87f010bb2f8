import { z } from 'zod';
import { time } from './columns.ts';
import type { PrismaClient } from './generated/client.ts';
import type { PasskeyRow, Store } from './store.ts';
import { createTable, type Unreadable } from './table.ts';

const schema: z.ZodType<PasskeyRow> = z.object({
  credentialId: z.string(),
  userId: z.string(),
  name: z.string(),
  publicKey: z.instanceof(Uint8Array),
  counter: z.number(),
  transports: z.array(z.string()),
  createdAtMs: time,
});

export function createPasskeyTable(prisma: PrismaClient, unreadable: Unreadable): Store['passkeys'] {
  return createTable<PasskeyRow>({
    noun: 'passkey',
    model: prisma.passkey,
    key: 'credentialId',
    schema,
    json: ['transports'],
    integers: ['counter', 'createdAtMs'],
    orderBy: { createdAtMs: 'asc' },
    unreadable,
  });
}
