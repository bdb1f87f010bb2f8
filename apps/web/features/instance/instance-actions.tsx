'use client';

import { whyNot } from '@stapes/contract/abilities';
import type { InstanceAction, InstanceFull } from '@stapes/contract/instance';
import { instanceNameSchema } from '@stapes/contract/names';
import { useMutation } from '@tanstack/react-query';
import { Copy, MoreHorizontal, Pause, PenLine, Play, RotateCw, Square, Trash2, Zap } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState, type FormEvent } from 'react';
import { failureOf, fullMessage } from '../../lib/errors.ts';
import { instanceHref } from '../../lib/instance-link.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { useNotifications } from '../notifications/notifications.ts';

type Asked = 'delete' | 'rename' | 'copy' | 'force-stop' | null;

/** Buttons of an instance's page. A button that cannot be used says why. */
export function InstanceActions({ instance }: { instance: InstanceFull }) {
  const trpc = useTRPC();
  const notifications = useNotifications();
  const [asked, setAsked] = useState<Asked>(null);
  const state = useMutation(
    trpc.instances.setState.mutationOptions({
      onError: (error, { request }) =>
        notifications.add({
          tone: 'bad',
          title: `Could not ${request.action} ${instance.name}`,
          body: fullMessage(failureOf(error)),
        }),
    }),
  );
  const act = (action: InstanceAction, force = false) =>
    state.mutate({ name: instance.name, request: { action, force, timeout: force ? 0 : 30 } });
  const { status } = instance;
  const isPending = (action: InstanceAction) => state.isPending && state.variables?.request.action === action;
  const isUp = status === 'Running' || status === 'Frozen' || status === 'Stopping';
  return (
    <>
      {isUp ? (
        <Button onClick={() => act('stop')} pending={isPending('stop')} reason={whyNot('stop', status)}>
          <Square aria-hidden /> Stop
        </Button>
      ) : (
        <Button
          variant="primary"
          onClick={() => act('start')}
          pending={isPending('start')}
          reason={whyNot('start', status)}
        >
          <Play aria-hidden /> Start
        </Button>
      )}
      <Button onClick={() => act('restart')} pending={isPending('restart')} reason={whyNot('restart', status)}>
        <RotateCw aria-hidden /> Restart
      </Button>
      <Menu
        label={`More actions for ${instance.name}`}
        trigger={
          <IconButton label="More actions" variant="secondary">
            <MoreHorizontal aria-hidden />
          </IconButton>
        }
      >
        {status === 'Frozen' ? (
          <MenuItem onSelect={() => act('unfreeze')}>
            <Play aria-hidden /> Unfreeze
          </MenuItem>
        ) : (
          <MenuItem onSelect={() => act('freeze')} reason={whyNot('freeze', status)}>
            <Pause aria-hidden /> Freeze
          </MenuItem>
        )}
        <MenuItem onSelect={() => setAsked('force-stop')} reason={whyNot('stop', status)} danger>
          <Zap aria-hidden /> Force stop
        </MenuItem>
        <MenuSeparator />
        <MenuItem onSelect={() => setAsked('copy')} reason={whyNot('copy', status)}>
          <Copy aria-hidden /> Copy
        </MenuItem>
        <MenuItem onSelect={() => setAsked('rename')} reason={whyNot('rename', status)}>
          <PenLine aria-hidden /> Rename
        </MenuItem>
        <MenuSeparator />
        <MenuItem onSelect={() => setAsked('delete')} reason={whyNot('delete', status)} danger>
          <Trash2 aria-hidden /> Delete
        </MenuItem>
      </Menu>
      <ConfirmDialog
        open={asked === 'force-stop'}
        onOpenChange={() => setAsked(null)}
        title={`Force ${instance.name} to stop?`}
        action="Force stop"
        danger
        onConfirm={() => {
          act('stop', true);
          setAsked(null);
        }}
      >
        All its processes are killed at once. What they had not written to disk is lost.
      </ConfirmDialog>
      <DeleteDialog instance={instance} open={asked === 'delete'} onClose={() => setAsked(null)} />
      {(asked === 'rename' || asked === 'copy') && (
        <NameDialog instance={instance} kind={asked} onClose={() => setAsked(null)} />
      )}
    </>
  );
}

function DeleteDialog({ instance, open, onClose }: { instance: InstanceFull; open: boolean; onClose(): void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const remove = useMutation(trpc.instances.remove.mutationOptions({ onSuccess: () => router.push('/instances') }));
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onClose}
      title={`Delete ${instance.name}?`}
      action="Delete instance"
      danger
      pending={remove.isPending}
      error={remove.isError ? failureOf(remove.error).message : null}
      onConfirm={() => remove.mutate({ name: instance.name })}
    >
      Its root file system
      {instance.snapshots.length > 0 ? ` and its ${instance.snapshots.length} snapshots are` : ' is'} deleted. This
      cannot be undone.
    </ConfirmDialog>
  );
}

function NameDialog({ instance, kind, onClose }: { instance: InstanceFull; kind: 'rename' | 'copy'; onClose(): void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const [name, setName] = useState(kind === 'copy' ? `${instance.name}-copy` : instance.name);
  const done = { onSuccess: () => (router.push(kind === 'copy' ? '/instances' : instanceHref(name)), onClose()) };
  const rename = useMutation(trpc.instances.rename.mutationOptions(done));
  const copy = useMutation(trpc.instances.create.mutationOptions(done));
  const active = kind === 'copy' ? copy : rename;
  const parsed = instanceNameSchema.safeParse(name);
  const problem = parsed.success
    ? active.isError
      ? failureOf(active.error).message
      : null
    : (parsed.error.issues[0]?.message ?? null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!parsed.success) return;
    if (kind === 'copy') copy.mutate({ request: { name, source: { type: 'copy', source: instance.name } } });
    else rename.mutate({ name: instance.name, newName: name });
  };
  return (
    <Dialog open onOpenChange={onClose} title={kind === 'copy' ? `Copy ${instance.name}` : `Rename ${instance.name}`}>
      <form className="grid grid-cols-1 gap-4" onSubmit={submit}>
        <Field
          label="New name"
          error={problem}
          hint={
            kind === 'copy'
              ? 'The copy has its own addresses and starts stopped.'
              : 'The host name inside changes with the next start.'
          }
        >
          {(control) => <Input {...control} value={name} onChange={(event) => setName(event.target.value)} autoFocus />}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            variant="primary"
            pending={active.isPending}
            reason={kind === 'rename' && name === instance.name ? 'Type another name' : null}
          >
            {kind === 'copy' ? 'Copy' : 'Rename'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
