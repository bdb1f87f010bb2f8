'use client';

import type { ConfigScope } from '@stapes/contract/config-keys/declare';
import { keysOf } from '@stapes/contract/config-keys/registry';
import { useState, type FormEvent } from 'react';
import type { DomainFailure } from '../../lib/errors.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { ConfigKeyField } from '../instance/config-form.tsx';

interface FormProps {
  scope: ConfigScope;
  description: string;
  config: Record<string, string>;
  save(request: { description: string; config: Record<string, string> }): void;
  pending: boolean;
  saved: boolean;
  error: DomainFailure | null;
}

/** Configuration of a network or pool, made from the registry. Give it a new `key` when the object has changed. */
export function ObjectConfigForm({
  scope,
  description: initial,
  config: before,
  save,
  pending,
  saved,
  error,
}: FormProps) {
  const [description, setDescription] = useState(initial);
  const [config, setConfig] = useState(before);
  const isDirty = description !== initial || JSON.stringify(config) !== JSON.stringify(before);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isDirty) save({ description, config });
  };
  return (
    <Card title="Configuration">
      <form className="grid grid-cols-1 gap-4" onSubmit={submit}>
        <Field label="Description" optional>
          {(control) => (
            <Input {...control} value={description} onChange={(event) => setDescription(event.target.value)} />
          )}
        </Field>
        <div className="grid grid-cols-1 gap-4 sm:grid-cols-2 xl:grid-cols-3">
          {keysOf(scope)
            .filter((key) => !key.readOnly && !key.key.endsWith('*'))
            .map((key) => (
              <ConfigKeyField
                key={key.key}
                configKey={key}
                value={config[key.key]}
                inherited={undefined}
                error={error?.details.field === `config.${key.key}` ? error.message : null}
                onChange={(value) =>
                  setConfig((all) => {
                    const { [key.key]: _, ...rest } = all;
                    return value === undefined ? rest : { ...rest, [key.key]: value };
                  })
                }
              />
            ))}
        </div>
        <div className="flex items-center justify-end gap-3">
          <p role={error ? 'alert' : 'status'} className={error ? 'text-sm text-bad' : 'text-sm text-ink-2'}>
            {error ? error.message : saved && !isDirty ? 'Saved' : ''}
          </p>
          <Button type="submit" variant="primary" pending={pending} reason={isDirty ? null : 'Nothing changed'}>
            Apply changes
          </Button>
        </div>
      </form>
    </Card>
  );
}
