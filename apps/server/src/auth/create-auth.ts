import { DomainError } from '@stapes/contract/errors';
import type { Context } from '../services/context.ts';
import { mintId } from '../store/mint-id.ts';
import type { PasskeyRow, Store, UserRow } from '../store/store.ts';
import type { Auth, NewSession, Visitor } from './auth.ts';
import { createPasskeys } from './passkeys.ts';
import { createPassphrases } from './passphrase.ts';
import type { Sessions } from './sessions.ts';
import { createSetupLinkCheck } from './setup-link.ts';
import { createThrottle } from './throttle.ts';

export type AuthStore = Pick<Store, 'users' | 'passkeys' | 'settings'>;

const userName = 'admin';

/** True when somebody can sign in already. */
export async function isSetUp(store: AuthStore): Promise<boolean> {
  const [users, passkeys] = await Promise.all([store.users.list(), store.passkeys.list()]);
  return passkeys.length > 0 || users.some((user) => user.passphraseHash !== null);
}

/** This version has one person; everything below takes the user from the store, so that more can follow. */
async function theUser(store: AuthStore): Promise<UserRow | null> {
  return (await store.users.list())[0] ?? null;
}

async function ensureUser(store: AuthStore, id: string, change: Partial<UserRow>): Promise<void> {
  const found = await store.users.find(id);
  if (found) await store.users.update(id, change);
  else await store.users.create({ id, name: userName, passphraseHash: null, ...change });
}

interface Parts {
  store: AuthStore;
  sessions: Sessions;
  origin: string;
  now: () => number;
}

export function createAuth(parts: Parts): Auth {
  const { store, sessions } = parts;
  const passphrases = createPassphrases();
  const passkeys = createPasskeys(store, parts.origin, parts.now);
  const throttle = createThrottle(parts.now);
  // Passkeys cannot be guessed; a limit of their own lets their owner in while somebody tries passphrases.
  const passkeyThrottle = createThrottle(parts.now, { freeFailures: 50, globalPerMinute: 300 });

  return {
    ...createSetup({ ...parts, passphrases, passkeys, throttle }),
    ...createAccount({ ...parts, passphrases, passkeys, throttle }),

    async login(visitor, passphrase) {
      throttle.attempt(visitor.address);
      const user = await theUser(store);
      const isRight = user?.passphraseHash ? await passphrases.verify(user.passphraseHash, passphrase) : false;
      if (!user || !isRight) {
        throw new DomainError('forbidden', 'The passphrase is wrong', { details: { field: 'passphrase' } });
      }
      throttle.succeeded(visitor.address);
      return sessions.create(user.id, visitor);
    },
    async passkeyLoginOptions(visitor) {
      passkeyThrottle.attempt(visitor.address);
      return passkeys.loginOptions();
    },
    async passkeyLogin(visitor, response) {
      passkeyThrottle.attempt(visitor.address);
      const userId = await passkeys.login(response);
      passkeyThrottle.succeeded(visitor.address);
      return sessions.create(userId, visitor);
    },
  };
}

type Working = Parts & {
  passphrases: ReturnType<typeof createPassphrases>;
  passkeys: ReturnType<typeof createPasskeys>;
  throttle: ReturnType<typeof createThrottle>;
};

function createSetup({ store, sessions, passphrases, passkeys, throttle }: Working) {
  const link = createSetupLinkCheck(store);
  // A passkey is made for a user id before that user exists.
  const newUserId = mintId();
  const userId = async () => (await theUser(store))?.id ?? newUserId;

  /** The token is used up first, so that of two who hold it only one gets in. */
  async function enter(
    visitor: Visitor,
    token: string,
    credential: { passphraseHash: string } | { passkey: PasskeyRow },
  ): Promise<NewSession> {
    const id = await userId();
    await link.consume(token);
    throttle.succeeded(visitor.address);
    await ensureUser(store, id, 'passphraseHash' in credential ? credential : {});
    if ('passkey' in credential) await store.passkeys.create({ ...credential.passkey, userId: id });
    await sessions.revokeAll(id);
    return sessions.create(id, visitor);
  }
  return {
    async setup(visitor: Visitor, token: string, passphrase: string) {
      throttle.attempt(visitor.address);
      await link.check(token);
      // Right link: a passphrase that is too short costs no attempt.
      throttle.succeeded(visitor.address);
      return enter(visitor, token, { passphraseHash: await passphrases.hash(passphrase) });
    },
    async setupPasskeyOptions(visitor: Visitor, token: string) {
      throttle.attempt(visitor.address);
      await link.check(token);
      throttle.succeeded(visitor.address);
      return passkeys.registrationOptions('setup', { id: await userId(), name: userName });
    },
    async setupPasskey(visitor: Visitor, token: string, passkey: Parameters<Auth['setupPasskey']>[2]) {
      throttle.attempt(visitor.address);
      await link.check(token);
      const row = await passkeys.register('setup', { id: await userId() }, passkey);
      return enter(visitor, token, { passkey: row });
    },
  };
}

function createAccount({ store, sessions, passphrases, passkeys, throttle }: Working) {
  async function userOf(context: Context): Promise<UserRow> {
    const { userId } = context.identity;
    const user = userId === undefined ? null : await store.users.find(userId);
    if (!user)
      throw new DomainError('forbidden', 'Sign in with a browser to manage passkeys, sessions and the passphrase');
    return user;
  }
  const passkeyInfo = ({ credentialId, name, createdAtMs }: PasskeyRow) => ({ id: credentialId, name, createdAtMs });
  const passkeysOf = async (userId: string) => (await store.passkeys.list()).filter((row) => row.userId === userId);

  return {
    async status({ identity }: Context) {
      const [user, keys] = await Promise.all([theUser(store), store.passkeys.list()]);
      const hasPassphrase = user !== null && user.passphraseHash !== null;
      const signedIn = identity.protocol !== 'none';
      return {
        setUp: hasPassphrase || keys.length > 0,
        signedIn,
        username: signedIn ? identity.username : null,
        hasPassphrase,
        hasPasskeys: keys.length > 0,
      };
    },
    async addPasskeyOptions(context: Context) {
      const user = await userOf(context);
      return passkeys.registrationOptions(`add:${user.id}`, user);
    },
    async addPasskey(context: Context, passkey: Parameters<Auth['addPasskey']>[1]) {
      const user = await userOf(context);
      const row = await passkeys.register(`add:${user.id}`, user, passkey);
      await store.passkeys.create(row);
      return passkeyInfo(row);
    },
    async passkeys(context: Context) {
      return (await passkeysOf((await userOf(context)).id)).map(passkeyInfo);
    },
    async removePasskey(context: Context, id: string) {
      const user = await userOf(context);
      const own = await passkeysOf(user.id);
      if (!own.some((row) => row.credentialId === id)) return;
      if (own.length === 1 && user.passphraseHash === null) {
        throw new DomainError(
          'in-use',
          'This passkey is the only way to sign in: set a passphrase or add another passkey first',
        );
      }
      await store.passkeys.remove(id);
    },
    async logout({ identity }: Context) {
      if (identity.userId !== undefined && identity.sessionId !== undefined) {
        await sessions.revoke(identity.userId, identity.sessionId);
      }
    },
    async sessions(context: Context) {
      return sessions.list((await userOf(context)).id, context.identity.sessionId);
    },
    async revokeSession(context: Context, id: string) {
      await sessions.revoke((await userOf(context)).id, id);
    },
    async changePassphrase(context: Context, { current, next }: { current: string; next: string }) {
      const user = await userOf(context);
      if (user.passphraseHash !== null) {
        throttle.attempt(context.address);
        if (!(await passphrases.verify(user.passphraseHash, current))) {
          throw new DomainError('forbidden', 'The current passphrase is wrong', { details: { field: 'current' } });
        }
        throttle.succeeded(context.address);
      }
      await store.users.update(user.id, { passphraseHash: await passphrases.hash(next) });
      await sessions.revokeAll(user.id, context.identity.sessionId);
    },
  };
}
