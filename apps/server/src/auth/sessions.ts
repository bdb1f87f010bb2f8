import type { SessionRow, Store } from '../store/store.ts';
import { mintId } from '../store/mint-id.ts';
import type { NewSession, SessionInfo, Visitor } from './auth.ts';
import { hashToken, mintToken } from './tokens.ts';

const hourMs = 60 * 60_000;
export const idleMs = 7 * 24 * hourMs;
export const absoluteMs = 30 * 24 * hourMs;
/** The last use is written at most so often. */
const touchEveryMs = 5 * 60_000;
/** The token changes with the first request of each half day. */
const rotateEveryMs = 12 * hourMs;
/** Requests that were on their way with the old token still count. */
const graceMs = 60_000;
/** A person does not need more; the oldest goes. */
const mostSessions = 100;

export interface FoundSession {
  session: SessionRow;
  /** Set when the browser should get a new token. */
  renewed: NewSession | null;
}

export interface Sessions {
  create(userId: string, visitor: Visitor): Promise<NewSession>;
  /** Null for an unknown or expired token. `mayRotate` only where the answer can carry a cookie. */
  find(token: string, mayRotate: boolean): Promise<FoundSession | null>;
  list(userId: string, currentId: string | undefined): Promise<SessionInfo[]>;
  /** By id; absent is fine. */
  revoke(userId: string, id: string): Promise<void>;
  revokeAll(userId: string, exceptId?: string): Promise<void>;
  /** Calls back once when the session has ended, by whatever way: its open sockets have to end too. */
  onEnd(id: string, expiresAtMs: number, listener: () => void): () => void;
  /** Ends what has expired; called every minute. */
  sweep(): Promise<void>;
}

interface Watch {
  id: string;
  expiresAtMs: number;
  listener: () => void;
}

export function createSessions(store: Pick<Store, 'sessions'>, now: () => number): Sessions {
  const watches = new Set<Watch>();
  const rotated = new Map<string, { next: NewSession; untilMs: number }>();
  const alive = (row: SessionRow) => now() < row.expiresAtMs && now() < row.lastSeenAtMs + idleMs;

  function ended(isEnded: (watch: Watch) => boolean): void {
    for (const watch of [...watches]) {
      if (isEnded(watch) && watches.delete(watch)) watch.listener();
    }
  }
  async function remove(row: SessionRow): Promise<void> {
    await store.sessions.remove(row.tokenHash);
    ended((watch) => watch.id === row.id);
  }
  async function rotate(row: SessionRow): Promise<FoundSession> {
    const next = { token: mintToken(), expiresAtMs: row.expiresAtMs };
    const change = { tokenHash: hashToken(next.token), lastSeenAtMs: now() };
    // Before the row changes, so that a request beside this one finds either the old row or the way to the new one.
    rotated.set(row.tokenHash, { next, untilMs: now() + graceMs });
    try {
      return { session: await store.sessions.update(row.tokenHash, change), renewed: next };
    } catch (error) {
      rotated.delete(row.tokenHash);
      throw error;
    }
  }
  async function findByHash(hash: string, mayRotate: boolean): Promise<FoundSession | null> {
    const row = await store.sessions.find(hash);
    if (!row) return null;
    if (!alive(row)) {
      await remove(row);
      return null;
    }
    const isDue = Math.floor(now() / rotateEveryMs) !== Math.floor(row.lastSeenAtMs / rotateEveryMs);
    if (mayRotate && isDue && !rotated.has(hash)) return rotate(row);
    if (!isDue && now() - row.lastSeenAtMs >= touchEveryMs) {
      return { session: await store.sessions.update(hash, { lastSeenAtMs: now() }), renewed: null };
    }
    return { session: row, renewed: null };
  }
  return {
    async create(userId, visitor) {
      const others = await store.sessions.ofUser(userId);
      for (const row of others.slice(0, Math.max(0, others.length - mostSessions + 1))) await remove(row);
      const token = mintToken();
      const expiresAtMs = now() + absoluteMs;
      await store.sessions.create({
        tokenHash: hashToken(token),
        id: mintId(),
        userId,
        createdAtMs: now(),
        lastSeenAtMs: now(),
        expiresAtMs,
        address: visitor.address,
        userAgent: visitor.userAgent.slice(0, 256),
      });
      return { token, expiresAtMs };
    },
    async find(token, mayRotate) {
      const hash = hashToken(token);
      const found = await findByHash(hash, mayRotate);
      if (found) return found;
      const replaced = rotated.get(hash);
      if (!replaced || now() > replaced.untilMs) return null;
      const session = await store.sessions.find(hashToken(replaced.next.token));
      return session && alive(session) ? { session, renewed: mayRotate ? replaced.next : null } : null;
    },
    async list(userId, currentId) {
      const rows = (await store.sessions.ofUser(userId)).filter(alive);
      return rows.map(({ tokenHash: _, userId: __, ...row }) => ({ ...row, current: row.id === currentId }));
    },
    async revoke(userId, id) {
      for (const row of await store.sessions.ofUser(userId)) if (row.id === id) await remove(row);
    },
    async revokeAll(userId, exceptId) {
      for (const row of await store.sessions.ofUser(userId)) if (row.id !== exceptId) await remove(row);
    },
    onEnd(id, expiresAtMs, listener) {
      const watch = { id, expiresAtMs, listener };
      watches.add(watch);
      return () => watches.delete(watch);
    },
    async sweep() {
      for (const [hash, { untilMs }] of rotated) if (now() > untilMs) rotated.delete(hash);
      ended((watch) => now() >= watch.expiresAtMs);
      await store.sessions.removeExpired(now());
    },
  };
}
