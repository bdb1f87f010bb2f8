'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { formatDate } from '../../lib/format.ts';
import { useTRPC, useTRPCClient } from '../../lib/trpc.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { ErrorState, Skeleton } from '../../ui/states.tsx';
import { FormError } from '../auth/auth-frame.tsx';
import { deviceName, registerPasskey, useWhyNoPasskeys } from '../auth/passkeys.ts';

export function PasskeysCard() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const noPasskeys = useWhyNoPasskeys();
  const passkeys = useQuery(trpc.auth.passkeys.queryOptions());
  const [asked, setAsked] = useState<{ id: string; name: string } | null>(null);
  const refresh = () => queries.invalidateQueries({ queryKey: trpc.auth.pathKey() });
  const add = useMutation({
    mutationFn: async () => {
      const options = await client.auth.addPasskeyOptions.mutate();
      return client.auth.addPasskey.mutate({ name: deviceName(), response: await registerPasskey(options) });
    },
    onSuccess: refresh,
  });
  const remove = useMutation(
    trpc.auth.removePasskey.mutationOptions({
      onSuccess: () => {
        setAsked(null);
        return refresh();
      },
    }),
  );
  const addButton = (
    <Button size="sm" pending={add.isPending} reason={noPasskeys} onClick={() => add.mutate()}>
      <Plus aria-hidden /> Add this device
    </Button>
  );
  return (
    <Card title="Passkeys" actions={addButton}>
      <div className="grid gap-3">
        {add.error && <FormError>{failureOf(add.error).message}</FormError>}
        {passkeys.isPending && <Skeleton className="h-9" />}
        {passkeys.error && (
          <ErrorState
            title="Cannot load the passkeys"
            message={failureOf(passkeys.error).message}
            onRetry={() => void passkeys.refetch()}
          />
        )}
        {passkeys.data?.length === 0 && (
          <p className="text-sm text-ink-2">
            None yet. A passkey signs in with the lock of this device: nothing to remember, nothing to steal.
          </p>
        )}
        <ul className="divide-y divide-line">
          {passkeys.data?.map((passkey) => (
            <li key={passkey.id} className="flex items-center gap-3 py-2">
              <KeyRound className="size-4 text-ink-3" aria-hidden />
              <div className="min-w-0 flex-1">
                <p className="text-sm font-medium break-words">{passkey.name}</p>
                <p className="text-xs text-ink-3">Added {formatDate(new Date(passkey.createdAtMs).toISOString())}</p>
              </div>
              <IconButton label={`Remove ${passkey.name}`} size="sm" onClick={() => setAsked(passkey)}>
                <Trash2 />
              </IconButton>
            </li>
          ))}
        </ul>
      </div>
      <ConfirmDialog
        open={asked !== null}
        onOpenChange={() => setAsked(null)}
        title={`Remove the passkey “${asked?.name ?? ''}”?`}
        action="Remove"
        danger
        pending={remove.isPending}
        error={remove.error ? failureOf(remove.error).message : null}
        onConfirm={() => asked && remove.mutate({ id: asked.id })}
      >
        That device can no longer sign in with it.
      </ConfirmDialog>
    </Card>
  );
}
