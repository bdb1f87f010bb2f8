'use client';

import { keysOf } from '@stapes/contract/config-keys/registry';
import type { InstanceFull, PutInstance } from '@stapes/contract/instance';
import { useMutation } from '@tanstack/react-query';
import dynamic from 'next/dynamic';
import { useMemo, useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Skeleton } from '../../ui/states.tsx';
import { ConfigKeyField, groupKeys } from './config-form.tsx';

const YamlEditor = dynamic(() => import('./yaml-editor.tsx').then((module) => module.YamlEditor), {
  ssr: false,
  loading: () => <Skeleton className="h-96 w-full" />,
});

interface TabProps {
  instance: InstanceFull;
  etag: string;
}

/** What can be edited, as the API takes it. */
export function editable(instance: InstanceFull): PutInstance {
  const { architecture, description, ephemeral, profiles, config, devices } = instance;
  return { architecture, description, ephemeral, profiles, config, devices };
}

/** A form from the registry, or the whole as YAML. */
export function ConfigurationTab({ instance, etag }: TabProps) {
  const [mode, setMode] = useState<'form' | 'yaml'>('form');
  return (
    <div className="grid grid-cols-1 gap-4">
      <div
        role="group"
        aria-label="How to edit"
        className="inline-flex w-fit gap-1 rounded-md border border-line bg-sunken p-0.5"
      >
        {(['form', 'yaml'] as const).map((one) => (
          <Button
            key={one}
            size="sm"
            variant={mode === one ? 'secondary' : 'ghost'}
            aria-pressed={mode === one}
            onClick={() => setMode(one)}
          >
            {one === 'form' ? 'Form' : 'YAML'}
          </Button>
        ))}
      </div>
      {mode === 'form' ? (
        <ConfigForm instance={instance} etag={etag} />
      ) : (
        <YamlEditor instance={instance} etag={etag} />
      )}
    </div>
  );
}

function ConfigForm({ instance, etag }: TabProps) {
  const trpc = useTRPC();
  const [changes, setChanges] = useState<Record<string, string | undefined>>({});
  const [typedDescription, setDescription] = useState<string | null>(null);
  const description = typedDescription ?? instance.description;
  const [filter, setFilter] = useState('');
  const discard = () => {
    setChanges({});
    setDescription(null);
  };
  // What is typed is kept as changes to the newest instance, which may change under the form (by its own start, or by others).
  const save = useMutation(trpc.instances.put.mutationOptions({ onSuccess: discard }));
  const keys = useMemo(
    () =>
      keysOf('instance').filter(
        (key) => !key.readOnly && !key.key.endsWith('*') && (key.condition ?? instance.type) === instance.type,
      ),
    [instance.type],
  );
  const groups = groupKeys(
    keys.filter((key) => `${key.key} ${key.short}`.toLowerCase().includes(filter.toLowerCase())),
  );
  const valueOf = (key: string) => (key in changes ? changes[key] : instance.config[key]);
  const changed = Object.keys(changes).filter((key) => changes[key] !== instance.config[key]);
  const isDirty = changed.length > 0 || description !== instance.description;
  const failure = save.isError ? failureOf(save.error) : null;
  const apply = () => {
    const config = { ...instance.config };
    for (const key of changed) {
      const value = changes[key];
      if (value === undefined) delete config[key];
      else config[key] = value;
    }
    save.mutate({ name: instance.name, request: { ...editable(instance), description, config }, etag });
  };
  return (
    <form
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (isDirty) apply();
      }}
    >
      <div className="grid grid-cols-1 gap-4 sm:grid-cols-2">
        <Field label="Description" optional>
          {(control) => (
            <Input {...control} value={description} onChange={(event) => setDescription(event.target.value)} />
          )}
        </Field>
        <Field label="Find a key">
          {(control) => (
            <Input
              {...control}
              type="search"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
              placeholder="memory"
            />
          )}
        </Field>
      </div>
      {groups.length === 0 && <p className="text-sm text-ink-2">No key has “{filter}” in its name or description.</p>}
      {groups.map(([group, members]) => (
        <Card key={group} title={<span className="inline-block first-letter:uppercase">{group}</span>}>
          <div className="grid grid-cols-1 gap-4 sm:grid-cols-2 xl:grid-cols-3">
            {members.map((key) => (
              <ConfigKeyField
                key={key.key}
                configKey={key}
                value={valueOf(key.key)}
                inherited={key.key in instance.config ? undefined : instance.expanded_config[key.key]}
                error={failure?.details.field === `config.${key.key}` ? failure.message : null}
                onChange={(value) => setChanges((all) => ({ ...all, [key.key]: value }))}
              />
            ))}
          </div>
        </Card>
      ))}
      <div className="sticky bottom-0 z-10 -mx-1 flex flex-wrap items-center justify-end gap-3 rounded-lg border border-line bg-raised px-4 py-2 shadow-pop">
        <p className="mr-auto min-w-0 text-sm" role={failure ? 'alert' : 'status'}>
          {failure ? (
            <span className="text-bad">{failure.message}</span>
          ) : isDirty ? (
            `${changed.length + Number(description !== instance.description)} changed`
          ) : save.isSuccess ? (
            'Saved'
          ) : (
            'Nothing changed'
          )}
        </p>
        <Button
          onClick={() => {
            discard();
            save.reset();
          }}
          reason={isDirty ? null : 'Nothing changed'}
        >
          Discard
        </Button>
        <Button type="submit" variant="primary" pending={save.isPending} reason={isDirty ? null : 'Nothing changed'}>
          Apply changes
        </Button>
      </div>
    </form>
  );
}
