import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Identity } from '../services/context.ts';
import type { NewSession } from './auth.ts';
import { tokenOf } from './cookie.ts';
import type { Sessions } from './sessions.ts';

export const nobody: Identity = { username: '', protocol: 'none' };

export interface Authenticated {
  identity: Identity;
  /** Cookie to send along with the answer. */
  renewed: NewSession | null;
  /** `session` only. */
  expiresAtMs: number | null;
}

/** Knows who is behind a request: a process by its unix socket, a browser by its session cookie. */
export interface Authenticator {
  authenticate(request: IncomingMessage, mayRotate: boolean): Promise<Authenticated>;
}

export function createAuthenticator(deps: {
  sessions: Sessions;
  isSecure: boolean;
  /** Identity of the process at the other end of a unix socket; null for a TCP connection. */
  unixIdentity: (socket: Socket) => Identity | null;
}): Authenticator {
  const { sessions, isSecure, unixIdentity } = deps;
  return {
    async authenticate(request, mayRotate) {
      const unix = unixIdentity(request.socket);
      if (unix) return { identity: unix, renewed: null, expiresAtMs: null };
      const token = tokenOf(request.headers.cookie, isSecure);
      const found = token === null ? null : await sessions.find(token, mayRotate);
      if (!found) return { identity: nobody, renewed: null, expiresAtMs: null };
      const { id, userId, expiresAtMs } = found.session;
      const identity: Identity = { username: 'admin', protocol: 'session', sessionId: id, userId };
      return { identity, renewed: found.renewed, expiresAtMs };
    },
  };
}
