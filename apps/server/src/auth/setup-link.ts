import { DomainError } from '@stapes/contract/errors';
import type { Store } from '../store/store.ts';
import { hashToken, mintToken, sameToken } from './tokens.ts';

const settingKey = 'auth.setup_token_hash';

/**
 * Makes the one-time link and forgets every earlier one. The token is behind `#`, so that it is never sent to any server, proxy or log.
 * It also serves somebody with root powers who has lost the passphrase.
 */
export async function createSetupLink(store: Pick<Store, 'settings'>, origin: string): Promise<string> {
  const token = mintToken();
  await store.settings.set(settingKey, hashToken(token));
  return `${new URL('/setup', origin).href}#token=${token}`;
}

export interface SetupLink {
  /** Throws `forbidden` unless the token is that of the newest, unused link. */
  check(token: string): Promise<void>;
  /** As `check`, and from then on it is used. Two callers never both succeed. */
  consume(token: string): Promise<void>;
}

export function createSetupLinkCheck(store: Pick<Store, 'settings'>): SetupLink {
  let last: Promise<void> = Promise.resolve();
  async function check(token: string): Promise<void> {
    const expected = (await store.settings.all())[settingKey] ?? '';
    // The comparison is made in any case, so that time does not tell whether there is a link.
    const same = sameToken(hashToken(token), expected);
    if (expected === '' || !same) {
      throw new DomainError(
        'forbidden',
        'This link was used already or has been replaced: restart the server to get a new one',
        { details: { field: 'token' } },
      );
    }
  }
  return {
    check,
    consume(token) {
      const turn = last.then(async () => {
        await check(token);
        await store.settings.set(settingKey, null);
      });
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
