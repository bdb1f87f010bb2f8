'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import { failureOf, fullMessage, type DomainFailure } from '../../lib/errors.ts';
import { instanceHref } from '../../lib/instance-link.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorState } from '../../ui/states.tsx';
import { instancesOf } from '../shell/live-events.ts';
import type { CreateDefaults } from '../shell/overlays.ts';
import {
  AdvancedSection,
  ImageSection,
  LimitsSection,
  NameSection,
  OptionsSection,
  PlacesSection,
  ProfilesSection,
  type Errors,
} from './create-form.tsx';
import { emptyValues, fieldMessage, fieldOf, requestOf, type CreateValues } from './create-values.ts';
import { firstChoice, imageChoices } from './image-choices.ts';
import { PreviewPanel } from './preview-panel.tsx';
import { usePreview } from './use-preview.ts';

const formId = 'create-instance';

function useParts() {
  const trpc = useTRPC();
  const images = useQuery(trpc.images.list.queryOptions());
  const recipes = useQuery(trpc.images.recipes.queryOptions());
  const profiles = useQuery(trpc.profiles.list.queryOptions());
  const networks = useQuery(trpc.networks.list.queryOptions());
  const pools = useQuery(trpc.storage.list.queryOptions());
  const all = [images, recipes, profiles, networks, pools];
  return {
    images,
    recipes,
    profiles,
    networks,
    pools,
    error: all.find((query) => query.error)?.error ?? null,
    retry: () => all.forEach((query) => void query.refetch()),
  };
}

/** Where each error of the server belongs: on its field, or above the buttons. */
function placed(failure: DomainFailure | null): { errors: Errors; general: string | null } {
  if (!failure) return { errors: {}, general: null };
  const path = failure.details.field;
  const field = fieldOf(path);
  return field && path
    ? { errors: { [field]: fieldMessage(path, failure.message) }, general: null }
    : { errors: {}, general: fullMessage(failure) };
}

export function CreateWizard({ defaults, onClose }: { defaults: CreateDefaults; onClose(): void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const parts = useParts();
  const [typed, setTyped] = useState<Partial<CreateValues>>({});
  const suggestion = useQuery(trpc.instances.suggestName.queryOptions(undefined, { gcTime: 0, staleTime: 0 }));
  const choices = useMemo(
    () => imageChoices(parts.images.data ?? [], parts.recipes.data ?? []),
    [parts.images.data, parts.recipes.data],
  );
  const values: CreateValues = {
    ...emptyValues,
    name: suggestion.data ?? '',
    image: firstChoice(choices, defaults.image)?.id ?? '',
    ...typed,
  };
  const choice = choices.find((one) => one.id === values.image) ?? null;
  const profiles = parts.profiles.data ?? [];
  const request = requestOf(values, choice, profiles);
  const ready = choice !== null && parts.profiles.isSuccess;
  const preview = usePreview(request, ready);
  const create = useMutation(
    trpc.instances.create.mutationOptions({
      onSuccess: (operation) => {
        onClose();
        router.push(instanceHref(instancesOf(operation)[0] ?? values.name));
      },
    }),
  );
  const failure = create.error ? failureOf(create.error) : preview.query.error ? failureOf(preview.query.error) : null;
  const { errors, general } = placed(failure);
  const onChange = (change: Partial<CreateValues>) => {
    create.reset();
    setTyped((old) => ({ ...old, ...change }));
  };
  const suggest = () => {
    setTyped(({ name: _, ...rest }) => rest);
    void suggestion.refetch();
  };
  const form = { values, errors, onChange };
  const footer = (
    <>
      {general && (
        <p
          role="alert"
          className="max-h-24 flex-1 basis-full overflow-y-auto rounded-md bg-bad-soft px-3 py-1.5 text-sm break-words whitespace-pre-wrap text-bad sm:basis-0"
        >
          {general}
        </p>
      )}
      <Button onClick={onClose}>Cancel</Button>
      <Button
        type="submit"
        form={formId}
        variant="primary"
        pending={create.isPending}
        reason={ready ? null : 'Choose an image first'}
      >
        {values.start ? 'Create and start' : 'Create'}
      </Button>
    </>
  );
  return (
    <Dialog open onOpenChange={onClose} title="Create instance" kind="sheet" size="xl" footer={footer}>
      {parts.error ? (
        <ErrorState
          title="Cannot load what the form needs"
          message={failureOf(parts.error).message}
          onRetry={parts.retry}
        />
      ) : (
        <div className="grid gap-6 lg:grid-cols-[minmax(0,1fr)_19rem]">
          <form
            id={formId}
            noValidate
            className="grid min-w-0 content-start gap-6"
            onSubmit={(event) => {
              event.preventDefault();
              if (ready && !create.isPending) create.mutate({ request });
            }}
          >
            <ImageSection {...form} choices={choices} loading={parts.images.isPending || parts.recipes.isPending} />
            <NameSection {...form} onSuggest={suggest} suggesting={suggestion.isFetching} />
            <LimitsSection {...form} />
            <PlacesSection
              {...form}
              networks={parts.networks.data ?? []}
              pools={parts.pools.data ?? []}
              profiles={profiles}
            />
            <ProfilesSection {...form} profiles={profiles} />
            <AdvancedSection {...form} />
            <OptionsSection {...form} />
          </form>
          <div className="min-w-0 lg:sticky lg:top-0 lg:self-start">
            <PreviewPanel
              preview={preview.query.error ? undefined : preview.query.data}
              pending={!preview.settled}
              error={failure?.message ?? null}
            />
          </div>
        </div>
      )}
    </Dialog>
  );
}
