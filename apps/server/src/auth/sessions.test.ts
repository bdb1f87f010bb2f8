import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { cookieName, sessionCookie, tokenOf } from './cookie.ts';
import { absoluteMs, createSessions, idleMs, type Sessions } from './sessions.ts';
import { hashToken, mintToken, sameToken } from './tokens.ts';

const root = new URL('../../../..', import.meta.url).pathname;
const hourMs = 60 * 60_000;
const visitor = { address: '127.0.0.1', userAgent: 'test' };
let store: Store;
let nowMs: number;
let sessions: Sessions;

beforeEach(async () => {
  nowMs = 1_800_000_000_000;
  store = await openStore({
    file: ':memory:',
    migrationsDir: `${root}/prisma/sqlite/migrations`,
    backupsDir: '/nonexistent',
    log: { warn: () => undefined },
  });
  await store.users.create({ id: 'someone', name: 'admin', passphraseHash: null });
  sessions = createSessions(store, () => nowMs);
});
afterEach(() => store.close());

describe('a session', () => {
  it('is stored by the hash of its token only', async () => {
    const { token } = await sessions.create('someone', visitor);
    const rows = await store.sessions.list();
    expect(rows[0]?.tokenHash).toBe(hashToken(token));
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(await sessions.find(mintToken(), true)).toBeNull();
  });
  it('ends when it is not used for a week', async () => {
    const { token } = await sessions.create('someone', visitor);
    nowMs += idleMs - 1;
    expect(await sessions.find(token, false)).not.toBeNull();
    nowMs += idleMs;
    expect(await sessions.find(token, false)).toBeNull();
    expect(await store.sessions.list()).toEqual([]);
  });
  it('ends after a month, however much it is used', async () => {
    let { token } = await sessions.create('someone', visitor);
    for (let at = 0; at < absoluteMs - hourMs; at += 6 * hourMs) {
      const found = await sessions.find(token, true);
      expect(found).not.toBeNull();
      token = found?.renewed?.token ?? token;
      nowMs += 6 * hourMs;
    }
    expect(await sessions.find(token, true)).toBeNull();
  });
  it('changes its token now and then, and lets requests with the old one finish', async () => {
    const { token } = await sessions.create('someone', visitor);
    nowMs += 13 * hourMs;
    const many = await Promise.all(Array.from({ length: 5 }, () => sessions.find(token, true)));
    expect(many.every((found) => found !== null)).toBe(true);
    const renewed = new Set(many.flatMap((found) => (found?.renewed ? [found.renewed.token] : [])));
    expect(renewed.size).toBe(1);
    const [next = ''] = renewed;
    // The answer with the new token may have been lost: it is told again.
    expect((await sessions.find(token, true))?.renewed?.token).toBe(next);
    expect((await sessions.find(token, false))?.renewed).toBeNull();
    nowMs += 2 * 60_000;
    expect(await sessions.find(token, true)).toBeNull();
    expect((await sessions.find(next, true))?.renewed).toBeNull();
    expect(await sessions.list('someone', undefined)).toHaveLength(1);
  });
  it('keeps its token where no cookie can be set', async () => {
    const { token } = await sessions.create('someone', visitor);
    nowMs += 13 * hourMs;
    expect((await sessions.find(token, false))?.renewed).toBeNull();
  });
  it('tells who waits for its end, once, by whatever way it ends', async () => {
    const ends: string[] = [];
    const a = await sessions.create('someone', visitor);
    const b = await sessions.create('someone', visitor);
    const idOf = async (token: string) => (await sessions.find(token, false))?.session.id ?? '';
    sessions.onEnd(await idOf(a.token), a.expiresAtMs, () => ends.push('a'));
    sessions.onEnd(await idOf(b.token), b.expiresAtMs, () => ends.push('b'));
    await sessions.revoke('someone', await idOf(a.token));
    await sessions.revokeAll('someone', await idOf(b.token));
    expect(ends).toEqual(['a']);
    nowMs += absoluteMs;
    await sessions.sweep();
    await sessions.sweep();
    expect(ends).toEqual(['a', 'b']);
  });
  it('are not more than a hundred a person', async () => {
    for (let index = 0; index < 105; index++) {
      nowMs++;
      await sessions.create('someone', visitor);
    }
    expect((await store.sessions.list()).length).toBe(100);
  });
});

describe('the cookie', () => {
  it('is bound to this host where it travels over TLS', () => {
    expect(cookieName(true)).toBe('__Host-stapes');
    expect(sessionCookie({ token: 't', expiresAtMs: 5_000 }, false, 0)).toBe(
      'stapes=t; Path=/; HttpOnly; SameSite=Strict; Max-Age=5',
    );
  });
  it('is read from a header, whatever else is in it', () => {
    const token = mintToken();
    expect(tokenOf(`a=b; __Host-stapes=${token}; c`, true)).toBe(token);
    for (const header of [
      undefined,
      '',
      '=',
      ';;;',
      '__Host-stapes=',
      `stapes=${token}`,
      '__Host-stapes=../../etc',
      `x__Host-stapes=${token}`,
      'a'.repeat(20_000),
    ]) {
      expect(tokenOf(header, true), header).toBeNull();
    }
  });
});

it('compares tokens of any length', () => {
  expect(sameToken('abc', 'abc')).toBe(true);
  expect(sameToken('abc', 'abcd')).toBe(false);
  expect(sameToken('', 'a')).toBe(false);
});
