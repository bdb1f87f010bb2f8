import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits, as text that is safe in a cookie and in a URL. */
export function mintToken(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 in hex. A token has full entropy, so a plain hash is enough to store. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Constant in time for whatever it is given: both sides are hashed first, so lengths are equal. */
export function sameToken(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest();
  const right = createHash('sha256').update(b).digest();
  return timingSafeEqual(left, right);
}
