'use client';

import { whyNot } from '@stapes/contract/abilities';
import { instanceNameSchema, snapshotNameSchema } from '@stapes/contract/names';
import type { InstanceFull, Snapshot } from '@stapes/contract/instance';
import { useMutation } from '@tanstack/react-query';
import { Camera, Copy, MoreHorizontal, RotateCcw, Trash2 } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState, type FormEvent } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { formatAgo, formatBytes, formatDate } from '../../lib/format.ts';
import { instanceHref } from '../../lib/instance-link.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Menu, MenuItem } from '../../ui/menu.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { Table, Td, Th } from '../../ui/table.tsx';

type Asked = { kind: 'create' } | { kind: 'restore' | 'delete' | 'copy'; snapshot: Snapshot } | null;

export function SnapshotsTab({ instance }: { instance: InstanceFull }) {
  const [asked, setAsked] = useState<Asked>(null);
  const create = (
    <Button variant="primary" onClick={() => setAsked({ kind: 'create' })} reason={whyNot('snapshot', instance.status)}>
      <Camera aria-hidden /> Take snapshot
    </Button>
  );
  const newestFirst = [...instance.snapshots].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  return (
    <div className="grid grid-cols-1 gap-3">
      {newestFirst.length === 0 ? (
        <EmptyState icon={<Camera />} title="No snapshots" action={create}>
          A snapshot keeps the root file system and the configuration as they are now. It can be restored, or become a
          new instance.
        </EmptyState>
      ) : (
        <>
          <div className="flex justify-end">{create}</div>
          <Table
            label={`Snapshots of ${instance.name}`}
            head={
              <>
                <Th>Name</Th>
                <Th>Taken</Th>
                <Th>Expires</Th>
                <Th className="text-right">Size</Th>
                <Th>
                  <span className="sr-only">Actions</span>
                </Th>
              </>
            }
          >
            {newestFirst.map((snapshot) => (
              <tr key={snapshot.name} className="hover:bg-hover">
                <Td className="font-medium">{snapshot.name}</Td>
                <Td>
                  <time dateTime={snapshot.created_at} title={formatDate(snapshot.created_at)}>
                    {formatAgo(snapshot.created_at)}
                  </time>
                </Td>
                <Td>{formatDate(snapshot.expires_at) || 'Never'}</Td>
                <Td className="tabular text-right">{snapshot.size > 0 ? formatBytes(snapshot.size) : '–'}</Td>
                <Td className="text-right">
                  <Menu
                    label={`Actions for ${snapshot.name}`}
                    trigger={
                      <IconButton label={`Actions for ${snapshot.name}`} size="sm">
                        <MoreHorizontal aria-hidden />
                      </IconButton>
                    }
                  >
                    <MenuItem
                      onSelect={() => setAsked({ kind: 'restore', snapshot })}
                      reason={whyNot('restore', instance.status)}
                    >
                      <RotateCcw aria-hidden /> Restore
                    </MenuItem>
                    <MenuItem onSelect={() => setAsked({ kind: 'copy', snapshot })}>
                      <Copy aria-hidden /> New instance from it
                    </MenuItem>
                    <MenuItem danger onSelect={() => setAsked({ kind: 'delete', snapshot })}>
                      <Trash2 aria-hidden /> Delete
                    </MenuItem>
                  </Menu>
                </Td>
              </tr>
            ))}
          </Table>
        </>
      )}
      {asked?.kind === 'create' && <CreateDialog instance={instance} onClose={() => setAsked(null)} />}
      {asked?.kind === 'copy' && (
        <CopyDialog instance={instance} snapshot={asked.snapshot} onClose={() => setAsked(null)} />
      )}
      {asked?.kind === 'restore' && (
        <RestoreDialog instance={instance} snapshot={asked.snapshot} onClose={() => setAsked(null)} />
      )}
      {asked?.kind === 'delete' && (
        <DeleteDialog instance={instance} snapshot={asked.snapshot} onClose={() => setAsked(null)} />
      )}
    </div>
  );
}

interface OneProps {
  instance: InstanceFull;
  snapshot: Snapshot;
  onClose(): void;
}

function RestoreDialog({ instance, snapshot, onClose }: OneProps) {
  const trpc = useTRPC();
  const restore = useMutation(trpc.instances.put.mutationOptions({ onSuccess: onClose }));
  return (
    <ConfirmDialog
      open
      onOpenChange={onClose}
      title={`Restore ${snapshot.name}?`}
      action="Restore"
      danger
      pending={restore.isPending}
      error={restore.isError ? failureOf(restore.error).message : null}
      onConfirm={() => restore.mutate({ name: instance.name, request: { restore: snapshot.name } })}
    >
      {instance.name} becomes what it was {formatAgo(snapshot.created_at)}. What was changed since then is lost
      {instance.status === 'Running' ? '; it is stopped for it and started again' : ''}.
    </ConfirmDialog>
  );
}

function DeleteDialog({ instance, snapshot, onClose }: OneProps) {
  const trpc = useTRPC();
  const remove = useMutation(trpc.snapshots.remove.mutationOptions({ onSuccess: onClose }));
  return (
    <ConfirmDialog
      open
      onOpenChange={onClose}
      title={`Delete snapshot ${snapshot.name}?`}
      action="Delete snapshot"
      danger
      pending={remove.isPending}
      error={remove.isError ? failureOf(remove.error).message : null}
      onConfirm={() => remove.mutate({ instance: instance.name, snapshot: snapshot.name })}
    >
      The instance itself stays as it is.
    </ConfirmDialog>
  );
}

function CreateDialog({ instance, onClose }: { instance: InstanceFull; onClose(): void }) {
  const trpc = useTRPC();
  const [name, setName] = useState('');
  const [expires, setExpires] = useState('');
  const create = useMutation(trpc.snapshots.create.mutationOptions({ onSuccess: onClose }));
  const parsed = snapshotNameSchema.safeParse(name);
  const problem =
    name !== '' && !parsed.success
      ? (parsed.error.issues[0]?.message ?? null)
      : create.isError
        ? failureOf(create.error).message
        : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name !== '' && !parsed.success) return;
    const expiresAt = expires === '' ? {} : { expires_at: new Date(expires).toISOString() };
    create.mutate({ instance: instance.name, request: { name, ...expiresAt } });
  };
  return (
    <Dialog open onOpenChange={onClose} title={`Take a snapshot of ${instance.name}`}>
      <form className="grid grid-cols-1 gap-4" onSubmit={submit}>
        <Field label="Name" optional error={problem} hint="Without one it is called snap0, snap1 and so on.">
          {(control) => <Input {...control} value={name} onChange={(event) => setName(event.target.value)} autoFocus />}
        </Field>
        <Field label="Expires" optional hint="It is deleted after this time.">
          {(control) => (
            <Input
              {...control}
              type="datetime-local"
              value={expires}
              onChange={(event) => setExpires(event.target.value)}
            />
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={create.isPending}>
            Take snapshot
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function CopyDialog({ instance, snapshot, onClose }: OneProps) {
  const trpc = useTRPC();
  const router = useRouter();
  const [name, setName] = useState(`${instance.name}-${snapshot.name}`.replace(/[^a-zA-Z0-9-]/g, '-').slice(0, 63));
  const copy = useMutation(
    trpc.instances.create.mutationOptions({ onSuccess: () => (router.push(instanceHref(name)), onClose()) }),
  );
  const parsed = instanceNameSchema.safeParse(name);
  const problem = parsed.success
    ? copy.isError
      ? failureOf(copy.error).message
      : null
    : (parsed.error.issues[0]?.message ?? null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (parsed.success)
      copy.mutate({ request: { name, source: { type: 'copy', source: `${instance.name}/${snapshot.name}` } } });
  };
  return (
    <Dialog open onOpenChange={onClose} title={`New instance from ${snapshot.name}`}>
      <form className="grid grid-cols-1 gap-4" onSubmit={submit}>
        <Field label="Name of the new instance" error={problem}>
          {(control) => <Input {...control} value={name} onChange={(event) => setName(event.target.value)} autoFocus />}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" pending={copy.isPending}>
            Create instance
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
