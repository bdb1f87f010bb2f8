'use client';

import { useMutation } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { useState, useSyncExternalStore } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC, useTRPCClient } from '../../lib/trpc.ts';
import { Button } from '../../ui/button.tsx';
import { AuthFrame, FormError } from './auth-frame.tsx';
import { NewPassphrase } from './new-passphrase.tsx';
import { deviceName, registerPasskey, useWhyNoPasskeys } from './passkeys.ts';
import { passphraseStrength, shortestPassphrase } from './passphrase-strength.ts';

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
/** `#token` or `#token=…`. The fragment is never sent to a server or into a log. */
function useFragmentToken(): string | null {
  const fragment = useSyncExternalStore(
    subscribe,
    () => location.hash,
    () => null,
  );
  return fragment === null ? null : decodeURIComponent(fragment.replace(/^#(token=)?/, ''));
}

function enter(): void {
  location.replace('/instances');
}

export function SetupPage() {
  const token = useFragmentToken();
  if (token === '') {
    return (
      <AuthFrame title="The link is not whole" description="This page needs the one-time link that the server printed.">
        <p className="text-sm text-ink-2">
          Copy the whole link from the terminal, with everything after the <code className="font-mono">#</code>. Set up
          already?{' '}
          <a className="font-medium text-accent-text underline" href="/login">
            Sign in
          </a>
          .
        </p>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Welcome to Stapes" description="Choose how you want to sign in. You can add other ways later.">
      <SetupForm token={token ?? ''} />
    </AuthFrame>
  );
}

function SetupForm({ token }: { token: string }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const [passphrase, setPassphrase] = useState('');
  const noPasskeys = useWhyNoPasskeys();
  const setup = useMutation(trpc.auth.setup.mutationOptions({ onSuccess: enter }));
  const passkey = useMutation({
    mutationFn: async () => {
      const options = await client.auth.setupPasskeyOptions.mutate({ token });
      return client.auth.setupPasskey.mutate({ token, name: deviceName(), response: await registerPasskey(options) });
    },
    onSuccess: enter,
  });
  const failure = setup.error ? failureOf(setup.error) : null;
  const onField = failure?.details.field === 'passphrase';
  const tooShort = passphraseStrength(passphrase).label === 'Too short';
  return (
    <div className="grid gap-4">
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          passkey.reset();
          setup.mutate({ token, passphrase });
        }}
      >
        <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
        <NewPassphrase value={passphrase} onChange={setPassphrase} autoFocus error={onField ? failure.message : null} />
        {failure && !onField && <FormError>{failure.message}</FormError>}
        <Button
          type="submit"
          variant="primary"
          pending={setup.isPending || setup.isSuccess}
          reason={tooShort ? `Use at least ${shortestPassphrase} characters` : null}
        >
          Use this passphrase
        </Button>
      </form>
      <div className="flex items-center gap-3 text-xs text-ink-3">
        <span className="h-px flex-1 bg-line" />
        or
        <span className="h-px flex-1 bg-line" />
      </div>
      <Button
        pending={passkey.isPending || passkey.isSuccess}
        reason={noPasskeys}
        onClick={() => {
          setup.reset();
          passkey.mutate();
        }}
      >
        <KeyRound aria-hidden /> Use a passkey
      </Button>
      {passkey.error && <FormError>{failureOf(passkey.error).message}</FormError>}
    </div>
  );
}
