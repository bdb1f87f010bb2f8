'use client';

import { aliasNameSchema } from '@stapes/contract/names';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState, type FormEvent } from 'react';
import { formatBytes } from '../../lib/format.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Progress } from '../../ui/states.tsx';
import { uploadImage, type UploadRequest } from './upload.ts';

export function UploadDialog({ onClose }: { onClose(): void }) {
  const [metadata, setMetadata] = useState<File | null>(null);
  const [rootfs, setRootfs] = useState<File | null>(null);
  const [alias, setAlias] = useState('');
  const [fraction, setFraction] = useState(0);
  const abort = useRef<AbortController | null>(null);
  const upload = useMutation({
    mutationFn: (request: UploadRequest) => {
      abort.current = new AbortController();
      setFraction(0);
      return uploadImage(request, setFraction, abort.current.signal);
    },
    onSuccess: onClose,
  });
  const aliasProblem = alias === '' ? null : (aliasNameSchema.safeParse(alias).error?.issues[0]?.message ?? null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (metadata && !aliasProblem) upload.mutate({ metadata, rootfs, alias });
  };
  const leave = () => {
    abort.current?.abort();
    onClose();
  };
  const total = (metadata?.size ?? 0) + (rootfs?.size ?? 0);
  return (
    <Dialog
      open
      onOpenChange={leave}
      title="Import an image"
      description="A unified tarball, or a metadata tarball and a root file system."
    >
      <form className="grid grid-cols-1 gap-4" onSubmit={submit}>
        <Field label="Image, or its metadata" hint="tar, with gzip, xz, zstd or bzip2 or none">
          {(control) => (
            <Input
              {...control}
              type="file"
              className="h-auto! py-1"
              onChange={(event) => setMetadata(event.target.files?.[0] ?? null)}
              disabled={upload.isPending}
            />
          )}
        </Field>
        <Field label="Root file system" optional hint="Only for a split image: tar or squashfs">
          {(control) => (
            <Input
              {...control}
              type="file"
              className="h-auto! py-1"
              onChange={(event) => setRootfs(event.target.files?.[0] ?? null)}
              disabled={upload.isPending}
            />
          )}
        </Field>
        <Field label="Alias" optional hint="A name to find it by, for example debian/12" error={aliasProblem}>
          {(control) => (
            <Input
              {...control}
              value={alias}
              onChange={(event) => setAlias(event.target.value)}
              disabled={upload.isPending}
            />
          )}
        </Field>
        {upload.isPending && (
          <div className="grid grid-cols-1 gap-1" role="status">
            <Progress value={fraction} label="Upload" />
            <p className="tabular text-xs text-ink-2">
              {formatBytes(fraction * total)} of {formatBytes(total)}
            </p>
          </div>
        )}
        {upload.isError && (
          <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
            {upload.error.message}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={leave}>Cancel</Button>
          <Button
            type="submit"
            variant="primary"
            pending={upload.isPending}
            reason={metadata ? aliasProblem : 'Choose a file first'}
          >
            Import
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
