import { isIP } from 'node:net';
import { DomainError, messageOf } from '@stapes/contract/errors';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { PasskeyRow, Store } from '../store/store.ts';

const challengeLifeMs = 5 * 60_000;
const mostChallenges = 1000;

/** `setup`, `login` or `add:<user id>`: an answer counts only for what it was asked for. */
export type Purpose = string;

export interface Passkeys {
  registrationOptions(
    purpose: Purpose,
    user: { id: string; name: string },
  ): Promise<PublicKeyCredentialCreationOptionsJSON>;
  /** Row to store; its user is the caller's. Throws `forbidden`. */
  register(
    purpose: Purpose,
    user: { id: string },
    passkey: { name: string; response: RegistrationResponseJSON },
  ): Promise<PasskeyRow>;
  loginOptions(): Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** User id. Throws `forbidden`. */
  login(response: AuthenticationResponseJSON): Promise<string>;
}

function refused(error?: unknown): DomainError {
  return new DomainError('forbidden', `The passkey was not accepted${error ? `: ${messageOf(error)}` : ''}`, {
    cause: error,
  });
}

function createChallenges(now: () => number) {
  const open = new Map<string, { purpose: Purpose; untilMs: number }>();
  return {
    add(challenge: string, purpose: Purpose): void {
      open.set(challenge, { purpose, untilMs: now() + challengeLifeMs });
      const oldest = open.keys().next().value;
      if (open.size > mostChallenges && oldest !== undefined) open.delete(oldest);
    },
    /** Each counts once, right or wrong. */
    take(challenge: string, purpose: Purpose): boolean {
      const found = open.get(challenge);
      open.delete(challenge);
      return found !== undefined && found.purpose === purpose && now() <= found.untilMs;
    },
  };
}

export function createPasskeys(store: Pick<Store, 'passkeys'>, origin: string, now: () => number): Passkeys {
  const rpID = new URL(origin).hostname;
  const challenges = createChallenges(now);
  const expected = (purpose: Purpose) => ({
    expectedChallenge: (challenge: string) => challenges.take(challenge, purpose),
    expectedOrigin: origin,
    expectedRPID: rpID,
    requireUserVerification: true,
  });
  function needName(): void {
    if (isIP(rpID.replace(/^\[|\]$/g, '')) === 0) return;
    throw new DomainError(
      'unsupported',
      `Passkeys need a host name, and ${rpID} is an address: open the dashboard by its name`,
    );
  }
  return {
    async registrationOptions(purpose, user) {
      needName();
      const known = await store.passkeys.list();
      const options = await generateRegistrationOptions({
        rpName: 'Stapes',
        rpID,
        userName: user.name,
        userID: new TextEncoder().encode(user.id),
        attestationType: 'none',
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        excludeCredentials: known.map((row) => ({
          id: row.credentialId,
          transports: row.transports as AuthenticatorTransport[],
        })),
      });
      challenges.add(options.challenge, purpose);
      return options;
    },
    async register(purpose, user, passkey) {
      const result = await verifyRegistrationResponse({ response: passkey.response, ...expected(purpose) }).catch(
        (error: unknown) => {
          throw refused(error);
        },
      );
      if (!result.verified) throw refused();
      const { credential } = result.registrationInfo;
      return {
        credentialId: credential.id,
        userId: user.id,
        name: passkey.name,
        publicKey: credential.publicKey,
        counter: credential.counter,
        transports: credential.transports ?? [],
        createdAtMs: now(),
      };
    },
    async loginOptions() {
      needName();
      const options = await generateAuthenticationOptions({ rpID, userVerification: 'required' });
      challenges.add(options.challenge, 'login');
      return options;
    },
    async login(response) {
      const row = typeof response.id === 'string' ? await store.passkeys.find(response.id) : null;
      if (!row) throw refused();
      const credential = {
        id: row.credentialId,
        publicKey: new Uint8Array(row.publicKey),
        counter: row.counter,
        transports: row.transports as AuthenticatorTransport[],
      };
      const result = await verifyAuthenticationResponse({ response, credential, ...expected('login') }).catch(
        (error: unknown) => {
          throw refused(error);
        },
      );
      if (!result.verified) throw refused();
      await store.passkeys.update(row.credentialId, { counter: result.authenticationInfo.newCounter });
      return row.userId;
    },
  };
}
