'use client';

import type { Image, ImageRecipe } from '@stapes/contract/image';
import { aliasNameSchema } from '@stapes/contract/names';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Disc3, Download, Hammer, MoreHorizontal, Tag, Trash2, Upload } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { formatAgo, formatBytes, formatDate } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';
import { Table, Td, Th } from '../../ui/table.tsx';
import { UploadDialog } from './upload-dialog.tsx';

type Asked = { kind: 'upload' } | { kind: 'alias' | 'delete'; image: Image } | null;

export function ImagesPage() {
  const trpc = useTRPC();
  const images = useQuery(trpc.images.list.queryOptions());
  const [asked, setAsked] = useState<Asked>(null);
  const upload = (
    <Button variant="primary" onClick={() => setAsked({ kind: 'upload' })}>
      <Upload aria-hidden /> Import image
    </Button>
  );
  return (
    <>
      <PageHeader title="Images" description="What instances are made from." actions={upload} />
      <div className="grid grid-cols-1 gap-6">
        {images.isPending && <Skeleton className="h-48 w-full" />}
        {images.isError && (
          <ErrorState
            title="The images could not be loaded"
            message={failureOf(images.error).message}
            onRetry={() => void images.refetch()}
          />
        )}
        {images.isSuccess && images.data.length === 0 && (
          <EmptyState icon={<Disc3 />} title="No images yet" action={upload}>
            Build one of the recipes below, or import a file.
          </EmptyState>
        )}
        {images.isSuccess && images.data.length > 0 && <ImageTable images={images.data} onAsk={setAsked} />}
        <Recipes />
      </div>
      {asked?.kind === 'upload' && <UploadDialog onClose={() => setAsked(null)} />}
      {asked?.kind === 'alias' && <AliasDialog image={asked.image} onClose={() => setAsked(null)} />}
      {asked?.kind === 'delete' && <DeleteImage image={asked.image} onClose={() => setAsked(null)} />}
    </>
  );
}

const titleOf = (image: Image) => image.properties.description ?? image.filename ?? image.fingerprint.slice(0, 12);

function ImageTable({ images, onAsk }: { images: Image[]; onAsk(asked: Asked): void }) {
  return (
    <Table
      label="Images"
      head={
        <>
          <Th>Description</Th>
          <Th>Aliases</Th>
          <Th>Fingerprint</Th>
          <Th>Architecture</Th>
          <Th className="text-right">Size</Th>
          <Th>Imported</Th>
          <Th>
            <span className="sr-only">Actions</span>
          </Th>
        </>
      }
    >
      {images.map((image) => (
        <tr key={image.fingerprint} className="hover:bg-hover">
          <Td className="min-w-48 font-medium">{titleOf(image)}</Td>
          <Td>
            <span className="flex flex-wrap gap-1">
              {image.aliases.map((alias) => (
                <Badge key={alias.name} tone="accent">
                  {alias.name}
                </Badge>
              ))}
            </span>
          </Td>
          <Td>
            <code className="font-mono text-xs" title={image.fingerprint}>
              {image.fingerprint.slice(0, 12)}
            </code>
          </Td>
          <Td>{image.architecture}</Td>
          <Td className="tabular text-right whitespace-nowrap">{formatBytes(image.size)}</Td>
          <Td className="whitespace-nowrap">
            <time dateTime={image.uploaded_at} title={formatDate(image.uploaded_at)}>
              {formatAgo(image.uploaded_at)}
            </time>
          </Td>
          <Td className="text-right">
            <Menu
              label={`Actions for ${titleOf(image)}`}
              trigger={
                <IconButton label={`Actions for ${titleOf(image)}`} size="sm">
                  <MoreHorizontal aria-hidden />
                </IconButton>
              }
            >
              <MenuItem onSelect={() => onAsk({ kind: 'alias', image })}>
                <Tag aria-hidden /> Aliases
              </MenuItem>
              <MenuItem onSelect={() => window.location.assign(`/1.0/images/${image.fingerprint}/export`)}>
                <Download aria-hidden /> Download
              </MenuItem>
              <MenuSeparator />
              <MenuItem danger onSelect={() => onAsk({ kind: 'delete', image })}>
                <Trash2 aria-hidden /> Delete
              </MenuItem>
            </Menu>
          </Td>
        </tr>
      ))}
    </Table>
  );
}

function Recipes() {
  const trpc = useTRPC();
  const recipes = useQuery(trpc.images.recipes.queryOptions());
  return (
    <Card title="Build an image here">
      {recipes.isPending && <Skeleton className="h-24 w-full" />}
      {recipes.isError && (
        <ErrorState
          title="The recipes could not be loaded"
          message={failureOf(recipes.error).message}
          onRetry={() => void recipes.refetch()}
        />
      )}
      {recipes.isSuccess && (
        <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          {recipes.data.map((recipe) => (
            <RecipeRow key={recipe.name} recipe={recipe} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function RecipeRow({ recipe }: { recipe: ImageRecipe }) {
  const trpc = useTRPC();
  const build = useMutation(trpc.images.build.mutationOptions());
  return (
    <li className="flex items-start gap-3 rounded-md border border-line p-3">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {recipe.name}
          {recipe.built && <Badge tone="ok">built</Badge>}
          {recipe.prepared && !recipe.built && <Badge tone="accent">prepared</Badge>}
        </p>
        <p className="text-sm text-ink-2">{recipe.description}</p>
        {recipe.needs_mirror && !recipe.prepared && (
          <p className="text-xs text-ink-3">Takes packages from this host’s Debian mirror.</p>
        )}
        {build.isError && (
          <p role="alert" className="mt-1 text-sm text-bad">
            {failureOf(build.error).message}
          </p>
        )}
      </div>
      <Button
        size="sm"
        aria-label={`Build ${recipe.name}`}
        onClick={() => build.mutate({ recipe: recipe.name })}
        pending={build.isPending}
      >
        <Hammer aria-hidden /> Build
      </Button>
    </li>
  );
}

function AliasDialog({ image, onClose }: { image: Image; onClose(): void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const reload = () => queries.invalidateQueries({ queryKey: trpc.images.pathKey() });
  const create = useMutation(trpc.images.createAlias.mutationOptions({ onSuccess: () => (setName(''), reload()) }));
  const remove = useMutation(trpc.images.removeAlias.mutationOptions({ onSuccess: reload }));
  const list = useQuery(trpc.images.list.queryOptions());
  const current = list.data?.find((one) => one.fingerprint === image.fingerprint) ?? image;
  const parsed = aliasNameSchema.safeParse(name);
  const problem =
    name !== '' && !parsed.success
      ? (parsed.error.issues[0]?.message ?? null)
      : create.isError
        ? failureOf(create.error).message
        : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (parsed.success) create.mutate({ request: { name, target: image.fingerprint, type: image.type } });
  };
  return (
    <Dialog open onOpenChange={onClose} title="Aliases" description={titleOf(image)}>
      <ul className="mb-4 grid gap-1">
        {current.aliases.length === 0 && <li className="text-sm text-ink-2">None yet.</li>}
        {current.aliases.map((alias) => (
          <li
            key={alias.name}
            className="flex items-center justify-between rounded-md border border-line px-3 py-1 text-sm"
          >
            {alias.name}
            <IconButton
              label={`Remove alias ${alias.name}`}
              size="sm"
              onClick={() => remove.mutate({ name: alias.name })}
            >
              <Trash2 aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      <form className="flex items-start gap-2" onSubmit={submit}>
        <Field label="New alias" error={problem} className="flex-1">
          {(control) => <Input {...control} value={name} onChange={(event) => setName(event.target.value)} autoFocus />}
        </Field>
        <Button type="submit" variant="primary" pending={create.isPending} className="mt-6">
          Add
        </Button>
      </form>
    </Dialog>
  );
}

function DeleteImage({ image, onClose }: { image: Image; onClose(): void }) {
  const trpc = useTRPC();
  const remove = useMutation(trpc.images.remove.mutationOptions({ onSuccess: onClose }));
  return (
    <ConfirmDialog
      open
      onOpenChange={onClose}
      title={`Delete ${titleOf(image)}?`}
      action="Delete image"
      danger
      pending={remove.isPending}
      error={remove.isError ? failureOf(remove.error).message : null}
      onConfirm={() => remove.mutate({ fingerprint: image.fingerprint })}
    >
      Instances that were made from it stay as they are.
    </ConfirmDialog>
  );
}
