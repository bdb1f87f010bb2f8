import { hash, verify } from '@node-rs/argon2';
import { DomainError } from '@stapes/contract/errors';

const shortest = 10;
const longest = 1024;
/** Argon2id (the library's default) with the figures of OWASP's first choice: 19 MiB, two passes. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Each hash takes 19 MiB and a core; more at once are refused rather than queued without end. */
const mostAtOnce = 4;

export interface Passphrases {
  /** Throws `invalid` for one that is too short. */
  hash(passphrase: string): Promise<string>;
  verify(passphraseHash: string, passphrase: string): Promise<boolean>;
}

export function createPassphrases(): Passphrases {
  let running = 0;
  async function bounded<T>(work: () => Promise<T>): Promise<T> {
    if (running >= mostAtOnce)
      throw new DomainError('rate-limited', 'Too many attempts at once: try again in a second');
    running++;
    try {
      return await work();
    } finally {
      running--;
    }
  }
  return {
    async hash(passphrase) {
      const details = { field: 'passphrase' };
      if ([...passphrase].length < shortest) {
        throw new DomainError('invalid', `Choose a passphrase of at least ${shortest} characters`, { details });
      }
      if (passphrase.length > longest) {
        throw new DomainError('invalid', `A passphrase has at most ${longest} characters`, { details });
      }
      return bounded(() => hash(passphrase.normalize('NFC'), cost));
    },
    verify: (passphraseHash, passphrase) => bounded(() => verify(passphraseHash, passphrase.normalize('NFC'))),
  };
}
