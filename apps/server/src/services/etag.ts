import { createHash } from 'node:crypto';
import { DomainError } from '@stapes/contract/errors';
import type { Tagged } from './services.ts';

/** JSON with sorted keys, so that the same content always has the same tag. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}

export function etagOf(value: unknown): string {
  return `"${createHash('sha256').update(canonicalJson(value)).digest('hex')}"`;
}

export function tagged<T>(value: T, of: unknown = value): Tagged<T> {
  return { value, etag: etagOf(of) };
}

/** Throws `precondition` when the caller's If-Match is not what is there now. Quotes are optional. */
export function requireMatch(etag: string | undefined, current: string): void {
  if (etag === undefined || etag === '' || etag === '*') return;
  const bare = (text: string) => text.replace(/^W\//, '').replaceAll('"', '');
  if (bare(etag) !== bare(current)) {
    throw new DomainError(
      'precondition',
      'Somebody else has changed it meanwhile: read it again, then apply your change',
    );
  }
}
