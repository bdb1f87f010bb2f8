'use client';

import type { Network } from '@stapes/contract/network';
import type { Profile } from '@stapes/contract/profile';
import type { StoragePool } from '@stapes/contract/storage';
import { RefreshCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { IconButton } from '../../ui/button.tsx';
import { Field, type ControlProps } from '../../ui/field.tsx';
import { Checkbox, Input, Select, Textarea } from '../../ui/input.tsx';
import {
  isNic,
  isRoot,
  profileDevice,
  type CreateField,
  type CreateValues,
  type ImageChoice,
} from './create-values.ts';
import { ImagePicker } from './image-picker.tsx';

export type Errors = Partial<Record<CreateField, string>>;
export interface FormProps {
  values: CreateValues;
  errors: Errors;
  onChange(change: Partial<CreateValues>): void;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-2 text-base font-semibold">{title}</legend>
      {children}
    </fieldset>
  );
}

export function ImageSection({
  values,
  errors,
  onChange,
  choices,
  loading,
}: FormProps & { choices: readonly ImageChoice[]; loading: boolean }) {
  return (
    <Section title="Image">
      <ImagePicker
        choices={choices}
        loading={loading}
        value={values.image}
        error={errors.image ?? null}
        onChange={(image) => onChange({ image })}
      />
    </Section>
  );
}

export function NameSection({
  values,
  errors,
  onChange,
  onSuggest,
  suggesting,
}: FormProps & { onSuggest(): void; suggesting: boolean }) {
  return (
    <Section title="Identity">
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Name" error={errors.name} hint="Letters, digits and hyphens">
          {(control) => (
            <div className="flex gap-1">
              <Input
                {...control}
                name="name"
                value={values.name}
                onChange={(event) => onChange({ name: event.target.value })}
              />
              <IconButton label="Suggest another name" pending={suggesting} onClick={onSuggest}>
                {!suggesting && <RefreshCw />}
              </IconButton>
            </div>
          )}
        </Field>
        <Field label="Description" optional error={errors.description}>
          {(control) => (
            <Input
              {...control}
              value={values.description}
              onChange={(event) => onChange({ description: event.target.value })}
            />
          )}
        </Field>
      </div>
    </Section>
  );
}

export function LimitsSection({ values, errors, onChange }: FormProps) {
  return (
    <Section title="Limits">
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="CPUs" error={errors.cpu} hint="A number, or which: 0-3">
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              placeholder="No limit"
              value={values.cpu}
              onChange={(event) => onChange({ cpu: event.target.value })}
            />
          )}
        </Field>
        <Field label="Memory" error={errors.memory} hint="512MiB, 2GiB, or 50%">
          {(control) => (
            <Input
              {...control}
              placeholder="No limit"
              value={values.memory}
              onChange={(event) => onChange({ memory: event.target.value })}
            />
          )}
        </Field>
        <Field label="Processes" error={errors.processes} hint="Most at one time">
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              placeholder="No limit"
              value={values.processes}
              onChange={(event) => onChange({ processes: event.target.value })}
            />
          )}
        </Field>
      </div>
    </Section>
  );
}

interface PlacesProps extends FormProps {
  networks: readonly Network[];
  pools: readonly StoragePool[];
  profiles: readonly Profile[];
}

export function PlacesSection({ values, errors, onChange, networks, pools, profiles }: PlacesProps) {
  const nic = profileDevice(profiles, values.profiles, isNic)?.device;
  const root = profileDevice(profiles, values.profiles, isRoot)?.device;
  return (
    <Section title="Network and storage">
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="Network" error={errors.network}>
          {(control) => (
            <Select {...control} value={values.network} onChange={(event) => onChange({ network: event.target.value })}>
              <option value="">{nic ? (nic.network ?? nic.parent) : 'None'} (profile)</option>
              {networks
                .filter((network) => network.managed)
                .map((network) => (
                  <option key={network.name} value={network.name}>
                    {network.name}
                  </option>
                ))}
              <option value="-">No network</option>
            </Select>
          )}
        </Field>
        <Field label="Storage pool" error={errors.pool}>
          {(control) => (
            <Select {...control} value={values.pool} onChange={(event) => onChange({ pool: event.target.value })}>
              <option value="">{root?.pool ?? 'None'} (profile)</option>
              {pools.map((pool) => (
                <option key={pool.name} value={pool.name}>
                  {pool.name} ({pool.driver})
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Root size" error={errors.rootSize} hint="10GiB, for example">
          {(control) => (
            <Input
              {...control}
              placeholder={root?.size ?? 'No limit'}
              value={values.rootSize}
              onChange={(event) => onChange({ rootSize: event.target.value })}
            />
          )}
        </Field>
      </div>
    </Section>
  );
}

export function ProfilesSection({ values, errors, onChange, profiles }: FormProps & { profiles: readonly Profile[] }) {
  const toggle = (name: string, on: boolean) =>
    onChange({ profiles: on ? [...values.profiles, name] : values.profiles.filter((one) => one !== name) });
  return (
    <Section title="Profiles">
      <div className="flex flex-wrap gap-x-5 gap-y-2">
        {profiles.map((profile) => (
          <label key={profile.name} className="flex items-center gap-2 text-sm" title={profile.description}>
            <Checkbox
              checked={values.profiles.includes(profile.name)}
              onChange={(event) => toggle(profile.name, event.target.checked)}
            />
            {profile.name}
            {values.profiles.length > 1 && values.profiles.includes(profile.name) && (
              <span className="text-xs text-ink-3 tabular">{values.profiles.indexOf(profile.name) + 1}</span>
            )}
          </label>
        ))}
      </div>
      {values.profiles.length > 1 && <p className="text-xs text-ink-3">Later ones win over earlier ones.</p>}
      {errors.profiles && (
        <p role="alert" className="text-xs text-bad">
          {errors.profiles}
        </p>
      )}
    </Section>
  );
}

export function AdvancedSection({ values, errors, onChange }: FormProps) {
  const open = Boolean(errors.userData ?? errors.environment ?? errors.user ?? errors.sshKeys);
  const area = (field: 'sshKeys' | 'userData' | 'environment', placeholder: string, rows: number) =>
    function Area(control: ControlProps) {
      return (
        <Textarea
          {...control}
          rows={rows}
          placeholder={placeholder}
          value={values[field]}
          onChange={(event) => onChange({ [field]: event.target.value })}
        />
      );
    };
  return (
    <details className="group rounded-lg border border-line" open={open || undefined}>
      <summary className="px-3 py-2 text-base font-semibold">User, cloud-init and environment</summary>
      <div className="grid gap-3 border-t border-line p-3">
        <p className="text-xs text-ink-3">User, keys and user data reach images that hold cloud-init.</p>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label="User" optional error={errors.user} hint="Made with sudo at the first start">
            {(control) => (
              <Input {...control} value={values.user} onChange={(event) => onChange({ user: event.target.value })} />
            )}
          </Field>
          <Field label="SSH public keys" optional error={errors.sshKeys} hint="One a line">
            {area('sshKeys', 'ssh-ed25519 AAAA… ann@laptop', 2)}
          </Field>
        </div>
        <Field
          label="Cloud-init user data"
          optional
          error={errors.userData}
          hint="Instead of the user and the keys above"
        >
          {area('userData', '#cloud-config', 4)}
        </Field>
        <Field label="Environment" optional error={errors.environment} hint="NAME=value, one a line">
          {area('environment', 'TZ=Europe/Amsterdam', 3)}
        </Field>
      </div>
    </details>
  );
}

const options: readonly (readonly ['start' | 'autostart' | 'nesting' | 'ephemeral', string, string])[] = [
  ['start', 'Start it at once', ''],
  ['autostart', 'Start with the host', 'boot.autostart'],
  ['nesting', 'Allow containers inside', 'security.nesting'],
  ['ephemeral', 'Delete it when it stops', 'ephemeral'],
];

export function OptionsSection({ values, onChange }: FormProps) {
  return (
    <Section title="Options">
      <div className="grid gap-2 sm:grid-cols-2">
        {options.map(([field, label, key]) => (
          <label key={field} className="flex items-center gap-2 text-sm" title={key}>
            <Checkbox checked={values[field]} onChange={(event) => onChange({ [field]: event.target.checked })} />
            {label}
          </label>
        ))}
      </div>
      <p className="text-xs text-ink-3">The container is unprivileged and has a range of host user ids of its own.</p>
    </Section>
  );
}
