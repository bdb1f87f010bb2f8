import type { Readable } from 'node:stream';
import { DomainError, isDomainError } from '@stapes/contract/errors';

export const jsonLimits = { bytes: 4 * 1024 * 1024, depth: 32 } as const;

/** Reads a whole body; `too-large` as soon as it passes the limit, so that no more than that is ever held. */
export async function readBody(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new DomainError('too-large', `A request body has at most ${maxBytes} bytes here`);
      chunks.push(chunk);
    }
  } catch (cause) {
    // Whoever was sending has gone: no fault of ours.
    throw isDomainError(cause) ? cause : new DomainError('invalid', 'The request body ended early', { cause });
  }
  return Buffer.concat(chunks);
}

/** JSON of a request. Undefined for an empty body. Refuses deep nesting and keys that could reach a prototype. */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DomainError('invalid', 'The request body is not UTF-8', { cause });
  }
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DomainError('invalid', 'The request body is not valid JSON', { cause });
  }
  refuseHostile(value);
  return value;
}

/** Level by level and without recursion: the input decides how deep it goes. */
function refuseHostile(root: unknown): void {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > jsonLimits.depth) {
      throw new DomainError('too-large', `The request body is nested deeper than ${jsonLimits.depth} levels`);
    }
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      if (Object.hasOwn(value, '__proto__')) throw new DomainError('invalid', 'A key cannot be named "__proto__"');
      for (const child of Object.values(value)) next.push(child);
    }
    level = next;
  }
}

/** Whether a content type is JSON. An absent one is taken for it: browsers always send one. */
export function isJson(contentType: string | undefined): boolean {
  return contentType === undefined || /^application\/json\s*(;|$)/i.test(contentType);
}
