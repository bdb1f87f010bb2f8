'use client';

import type { ConfigKey } from '@stapes/contract/config-keys/declare';
import { checkValue } from '@stapes/contract/config-keys/registry';
import { Badge } from '../../ui/badge.tsx';
import { Field } from '../../ui/field.tsx';
import { Input, Select, Textarea } from '../../ui/input.tsx';

interface KeyFieldProps {
  configKey: ConfigKey;
  /** Own value; absent means inherited or default. */
  value: string | undefined;
  inherited: string | undefined;
  error?: string | null;
  onChange(value: string | undefined): void;
}

/** One field of a form that is made from the registry: control, default, live-update note and check all come from the declaration. */
export function ConfigKeyField({ configKey, value, inherited, error, onChange }: KeyFieldProps) {
  const { type } = configKey;
  const problem = error ?? (value === undefined || value === '' ? null : checkValue(configKey, value));
  // Where the default depends on something, the registry says on what, in parentheses.
  const fallback = inherited ?? configKey.default;
  const isTold = fallback?.startsWith('(') ?? false;
  const label = (
    <span className="inline-flex flex-wrap items-center gap-1.5">
      <code className="font-mono text-xs">{configKey.key}</code>
      {!configKey.live && configKey.scope === 'instance' && <Badge>next start</Badge>}
      {value !== undefined && <Badge tone="accent">set here</Badge>}
    </span>
  );
  const change = (text: string) => onChange(text === '' ? undefined : text);
  return (
    <Field label={label} hint={configKey.short} error={problem}>
      {(control) => {
        if (type.kind === 'bool' || type.kind === 'enum') {
          const values = type.kind === 'bool' ? ['true', 'false'] : type.values;
          return (
            <Select {...control} value={value ?? ''} onChange={(event) => change(event.target.value)}>
              <option value="">
                {inherited !== undefined
                  ? `Inherited: ${inherited}`
                  : fallback
                    ? `Default: ${isTold ? fallback.slice(1, -1) : fallback}`
                    : 'Not set'}
              </option>
              {values.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </Select>
          );
        }
        const placeholder =
          inherited !== undefined
            ? `${inherited} (inherited)`
            : fallback
              ? isTold
                ? fallback.slice(1, -1)
                : `${fallback} (default)`
              : '';
        if (type.kind === 'string' && type.multiline) {
          return (
            <Textarea
              {...control}
              value={value ?? ''}
              placeholder={placeholder}
              onChange={(event) => change(event.target.value)}
            />
          );
        }
        return (
          <Input
            {...control}
            type={type.kind === 'string' && type.secret ? 'password' : 'text'}
            inputMode={type.kind === 'integer' ? 'numeric' : 'text'}
            value={value ?? ''}
            placeholder={placeholder}
            onChange={(event) => change(event.target.value)}
          />
        );
      }}
    </Field>
  );
}

/** Keys by group, in the order of their declaration. */
export function groupKeys(keys: readonly ConfigKey[]): [string, ConfigKey[]][] {
  const groups = new Map<string, ConfigKey[]>();
  for (const key of keys) groups.set(key.group, [...(groups.get(key.group) ?? []), key]);
  return [...groups];
}
