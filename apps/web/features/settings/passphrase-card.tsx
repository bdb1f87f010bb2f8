'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { FormError } from '../auth/auth-frame.tsx';
import { NewPassphrase } from '../auth/new-passphrase.tsx';
import { passphraseStrength } from '../auth/passphrase-strength.ts';
import { useNotifications } from '../notifications/notifications.ts';

export function PassphraseCard() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const notifications = useNotifications();
  const status = useQuery(trpc.auth.status.queryOptions());
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const change = useMutation(
    trpc.auth.changePassphrase.mutationOptions({
      onSuccess: () => {
        setCurrent('');
        setNext('');
        notifications.add({
          tone: 'ok',
          title: 'The passphrase is changed',
          body: 'All other sessions were signed out.',
        });
        void queries.invalidateQueries({ queryKey: trpc.auth.pathKey() });
      },
    }),
  );
  const failure = change.error ? failureOf(change.error) : null;
  const field = failure?.details.field;
  const has = status.data?.hasPassphrase ?? true;
  const weak = passphraseStrength(next).label;
  return (
    <Card title="Passphrase">
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate({ current, next });
        }}
      >
        <input
          type="text"
          name="username"
          autoComplete="username"
          value={status.data?.username ?? ''}
          readOnly
          hidden
        />
        {has && (
          <Field label="Present passphrase" error={field === 'current' ? failure?.message : null}>
            {(control) => (
              <Input
                {...control}
                type="password"
                autoComplete="current-password"
                value={current}
                onChange={(event) => setCurrent(event.target.value)}
              />
            )}
          </Field>
        )}
        <NewPassphrase
          label="New passphrase"
          value={next}
          onChange={setNext}
          error={field === 'next' || field === 'passphrase' ? (failure?.message ?? null) : null}
        />
        {failure && !(field === 'current' || field === 'next' || field === 'passphrase') && (
          <FormError>{failure.message}</FormError>
        )}
        <div>
          <Button
            type="submit"
            variant="primary"
            pending={change.isPending}
            reason={next === '' ? 'Type a new passphrase' : weak === 'Too short' ? 'It is too short' : null}
          >
            {has ? 'Change the passphrase' : 'Set a passphrase'}
          </Button>
        </div>
      </form>
    </Card>
  );
}
