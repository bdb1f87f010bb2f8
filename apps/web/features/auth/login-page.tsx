'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC, useTRPCClient } from '../../lib/trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { ErrorState, Skeleton } from '../../ui/states.tsx';
import { safeNext } from '../shell/session.ts';
import { AuthFrame, FormError } from './auth-frame.tsx';
import { askForPasskey, useWhyNoPasskeys } from './passkeys.ts';

/** A whole page load, so that nothing of an earlier session is left in memory. */
function enter(): void {
  location.replace(safeNext(new URLSearchParams(location.search).get('next')));
}

export function LoginPage() {
  const trpc = useTRPC();
  const status = useQuery(trpc.auth.status.queryOptions());
  if (status.data?.signedIn) {
    enter();
    return null;
  }
  if (status.data && !status.data.setUp) {
    return (
      <AuthFrame title="Set it up first" description="Nobody can sign in yet.">
        <p className="text-sm text-ink-2">
          Open the one-time link that the server printed when it started. It looks like{' '}
          <code className="font-mono">{'https://localhost:8443/setup#…'}</code>; each start prints a new one until it
          was used.
        </p>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Sign in" description="Manage the instances on this host.">
      {status.error ? (
        <ErrorState
          title="Cannot reach the server"
          message={failureOf(status.error).message}
          onRetry={() => void status.refetch()}
        />
      ) : status.isPending ? (
        <Skeleton className="h-24 w-full" />
      ) : (
        <LoginForm hasPassphrase={status.data?.hasPassphrase ?? true} hasPasskeys={status.data?.hasPasskeys ?? false} />
      )}
    </AuthFrame>
  );
}

function LoginForm({ hasPassphrase, hasPasskeys }: { hasPassphrase: boolean; hasPasskeys: boolean }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const [passphrase, setPassphrase] = useState('');
  const noPasskeys = useWhyNoPasskeys();
  const login = useMutation(trpc.auth.login.mutationOptions({ onSuccess: enter }));
  const passkey = useMutation({
    mutationFn: async () => {
      const options = await client.auth.passkeyLoginOptions.mutate();
      return client.auth.passkeyLogin.mutate({ response: await askForPasskey(options) });
    },
    onSuccess: enter,
  });
  const error = login.error ?? passkey.error;
  return (
    <div className="grid gap-4">
      {hasPassphrase && (
        <form
          className="grid gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            passkey.reset();
            login.mutate({ passphrase });
          }}
        >
          <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
          <Field label="Passphrase" error={login.error ? failureOf(login.error).message : null}>
            {(control) => (
              <Input
                {...control}
                type="password"
                name="passphrase"
                autoComplete="current-password"
                autoFocus
                required
                value={passphrase}
                onChange={(event) => setPassphrase(event.target.value)}
              />
            )}
          </Field>
          <Button type="submit" variant="primary" pending={login.isPending || login.isSuccess}>
            Sign in
          </Button>
        </form>
      )}
      {hasPasskeys && (
        <Button
          variant={hasPassphrase ? 'secondary' : 'primary'}
          pending={passkey.isPending || passkey.isSuccess}
          reason={noPasskeys}
          onClick={() => {
            login.reset();
            passkey.mutate();
          }}
        >
          <KeyRound aria-hidden /> Sign in with a passkey
        </Button>
      )}
      {passkey.error && error === passkey.error && <FormError>{failureOf(passkey.error).message}</FormError>}
    </div>
  );
}
