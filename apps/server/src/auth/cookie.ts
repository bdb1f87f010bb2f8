import type { NewSession } from './auth.ts';

/** The `__Host-` prefix lets browsers take the cookie only over TLS, for this very host, for all paths. */
export function cookieName(isSecure: boolean): string {
  return isSecure ? '__Host-stapes' : 'stapes';
}

/** Value of `Set-Cookie` for a session, or for none. */
export function sessionCookie(session: NewSession | null, isSecure: boolean, nowMs: number): string {
  const maxAgeS = session ? Math.max(0, Math.floor((session.expiresAtMs - nowMs) / 1000)) : 0;
  const parts = [`${cookieName(isSecure)}=${session?.token ?? ''}`, 'Path=/', 'HttpOnly', 'SameSite=Strict'];
  if (isSecure) parts.push('Secure');
  return [...parts, `Max-Age=${maxAgeS}`].join('; ');
}

/** Token in a `Cookie` header, or null. Nothing in the header can make it throw. */
export function tokenOf(header: string | undefined, isSecure: boolean): string | null {
  if (!header || header.length > 16_384) return null;
  const name = `${cookieName(isSecure)}=`;
  for (const part of header.split(';')) {
    const text = part.trim();
    if (!text.startsWith(name)) continue;
    const token = text.slice(name.length);
    return /^[A-Za-z0-9_-]{43}$/.test(token) ? token : null;
  }
  return null;
}
