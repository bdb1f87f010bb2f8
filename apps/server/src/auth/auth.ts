import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import type { Context } from '../services/context.ts';

/** What a browser may know before and after it has signed in. */
export interface AuthStatus {
  /** False until the one-time link was used. */
  setUp: boolean;
  signedIn: boolean;
  username: string | null;
  /** Ways to sign in that exist. */
  hasPassphrase: boolean;
  hasPasskeys: boolean;
}

/** `token` goes into the session cookie and is stored nowhere. */
export interface NewSession {
  token: string;
  expiresAtMs: number;
}

export interface SessionInfo {
  id: string;
  createdAtMs: number;
  lastSeenAtMs: number;
  expiresAtMs: number;
  address: string;
  userAgent: string;
  current: boolean;
}

export interface PasskeyInfo {
  id: string;
  name: string;
  createdAtMs: number;
}

/** Where a sign-in comes from. */
export interface Visitor {
  address: string;
  userAgent: string;
}

/** Identity of people in browsers: first-run link, passphrase, passkeys, sessions. Throws DomainError only. */
export interface Auth {
  status(context: Context): Promise<AuthStatus>;
  setup(visitor: Visitor, token: string, passphrase: string): Promise<NewSession>;
  setupPasskeyOptions(visitor: Visitor, token: string): Promise<PublicKeyCredentialCreationOptionsJSON>;
  setupPasskey(
    visitor: Visitor,
    token: string,
    passkey: { name: string; response: RegistrationResponseJSON },
  ): Promise<NewSession>;
  login(visitor: Visitor, passphrase: string): Promise<NewSession>;
  passkeyLoginOptions(visitor: Visitor): Promise<PublicKeyCredentialRequestOptionsJSON>;
  passkeyLogin(visitor: Visitor, response: AuthenticationResponseJSON): Promise<NewSession>;
  addPasskeyOptions(context: Context): Promise<PublicKeyCredentialCreationOptionsJSON>;
  addPasskey(context: Context, passkey: { name: string; response: RegistrationResponseJSON }): Promise<PasskeyInfo>;
  passkeys(context: Context): Promise<PasskeyInfo[]>;
  removePasskey(context: Context, id: string): Promise<void>;
  logout(context: Context): Promise<void>;
  sessions(context: Context): Promise<SessionInfo[]>;
  revokeSession(context: Context, id: string): Promise<void>;
  /** Ends all other sessions. `current` may be empty when there was no passphrase yet. */
  changePassphrase(context: Context, passphrases: { current: string; next: string }): Promise<void>;
}
