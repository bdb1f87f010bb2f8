'use client';

import { useState } from 'react';
import { cx } from '../../ui/cx.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { passphraseStrength, shortestPassphrase } from './passphrase-strength.ts';

interface NewPassphraseProps {
  value: string;
  onChange(value: string): void;
  error?: string | null;
  autoFocus?: boolean;
  label?: string;
}

const tones = ['bg-sunken', 'bg-bad', 'bg-warn', 'bg-ok', 'bg-ok'];

/** A new passphrase with a way to see it and a hint at its strength. */
export function NewPassphrase({ value, onChange, error, autoFocus, label = 'Passphrase' }: NewPassphraseProps) {
  const [shown, setShown] = useState(false);
  const strength = passphraseStrength(value);
  return (
    <div className="grid gap-2">
      <Field label={label} hint={[strength.label, strength.hint].filter(Boolean).join(': ')} error={error}>
        {(control) => (
          <div className="flex gap-2">
            <Input
              {...control}
              type={shown ? 'text' : 'password'}
              name="new-passphrase"
              autoComplete="new-password"
              autoFocus={autoFocus}
              required
              minLength={shortestPassphrase}
              value={value}
              onChange={(event) => onChange(event.target.value)}
            />
            <Button aria-pressed={shown} onClick={() => setShown(!shown)}>
              {shown ? 'Hide' : 'Show'}
            </Button>
          </div>
        )}
      </Field>
      <div aria-hidden className="grid grid-cols-4 gap-1">
        {[1, 2, 3, 4].map((step) => (
          <span
            key={step}
            className={cx('h-1 rounded-full', strength.score >= step ? tones[strength.score] : 'bg-sunken')}
          />
        ))}
      </div>
    </div>
  );
}
