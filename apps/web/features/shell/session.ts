import { failureOf } from '../../lib/errors.ts';

/** Where to go back to after signing in; only ever a path of this site. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/instances';
}

const open = ['/login', '/setup'];

/** Sends whoever is not signed in (any more) to the sign-in page. */
export function leaveWhenSignedOut(error: unknown): void {
  if (failureOf(error).code !== 'unauthenticated' || open.includes(location.pathname)) return;
  location.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
