import { errorCodes } from '@stapes/contract/errors';
import { z } from 'zod';

/** First frame of each connection; the answer is one frame too. After `attach` the connection carries a session. */
const size = { cols: z.number().int().min(2).max(1000), rows: z.number().int().min(1).max(1000) };
const id = z.string().regex(/^[a-zA-Z0-9-]{1,64}$/);
export const hostRequestSchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('create'),
    id,
    command: z.object({ file: z.string(), args: z.array(z.string()), env: z.record(z.string(), z.string()) }),
    ...size,
    meta: z.record(z.string(), z.string()),
  }),
  z.object({ op: z.literal('list') }),
  z.object({ op: z.literal('attach'), id, ...size }),
  z.object({ op: z.literal('close'), id }),
  z.object({ op: z.literal('shutdown') }),
]);
export type HostRequest = z.infer<typeof hostRequestSchema>;

export const hostReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), code: z.enum(errorCodes), message: z.string() }),
]);
export type HostReply = z.infer<typeof hostReplySchema>;

/** What a viewer may say after it has attached. */
export const viewerMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('resize'), ...size }),
  z.object({ type: z.literal('ack'), bytes: z.number().int().min(0) }),
  z.object({ type: z.literal('ping') }),
]);
