'use client';

import { useSyncExternalStore } from 'react';
import { browserName } from './browser-name.ts';
import { PasskeyProblem } from './passkey-problem.ts';

/** Passkeys need a secure context and a host name (not a bare address). Null when they can be used here, else the reason. */
function whyNoPasskeys(): string | null {
  if (typeof PublicKeyCredential === 'undefined') return 'This browser has no passkeys';
  if (!isSecureContext) return 'Passkeys need HTTPS';
  if (/^[\d.]+$|^\[/.test(location.hostname))
    return `Passkeys need a host name: open this page as https://localhost:${location.port || '443'}`;
  return null;
}

const never = () => () => undefined;
/** The page is rendered at build time, where nothing is known of the browser: the reason comes with the first effect. */
export function useWhyNoPasskeys(): string | null {
  return useSyncExternalStore(never, whyNoPasskeys, () => null);
}

type Module = typeof import('@simplewebauthn/browser');
type CreationOptions = Parameters<Module['startRegistration']>[0]['optionsJSON'];
type RequestOptions = Parameters<Module['startAuthentication']>[0]['optionsJSON'];

function explain(error: unknown): Error {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError' || name === 'AbortError')
    return new PasskeyProblem('No passkey was given: the request was cancelled or timed out. Try again.');
  if (name === 'InvalidStateError') return new PasskeyProblem('This device has a passkey for this server already.');
  return error instanceof Error ? error : new Error(String(error));
}

/** The options come as the server's library made them for this one. */
export async function registerPasskey(options: object) {
  const optionsJSON = options as CreationOptions;
  const { startRegistration } = await import('@simplewebauthn/browser');
  return startRegistration({ optionsJSON }).catch((error: unknown) => Promise.reject(explain(error)));
}
export async function askForPasskey(options: object) {
  const optionsJSON = options as RequestOptions;
  const { startAuthentication } = await import('@simplewebauthn/browser');
  return startAuthentication({ optionsJSON }).catch((error: unknown) => Promise.reject(explain(error)));
}

/** A name that tells one's passkeys apart later. */
export function deviceName(): string {
  return browserName(navigator.userAgent);
}
