import { DomainError } from '@stapes/contract/errors';

/** Who asks, made by a door. */
export interface Identity {
  /** For people and logs: `root (unix)`, `admin`. */
  username: string;
  protocol: 'unix' | 'session' | 'none';
  /** `session` only. */
  sessionId?: string;
  userId?: string;
}

/** A request as services see it. */
export interface Context {
  identity: Identity;
  project: string;
  requestId: string;
  /** Remote address for logs and throttling; `@` for the unix socket. */
  address: string;
}

/** Permissions. In this version every authenticated person is an administrator; `public` needs nobody. */
export type Permission = 'public' | 'admin';

/** Throws `unauthenticated` unless the context has what the endpoint states. */
export function authorise(context: Context, permission: Permission): void {
  if (permission === 'public') return;
  if (context.identity.protocol === 'none') throw new DomainError('unauthenticated', 'Sign in first');
}
