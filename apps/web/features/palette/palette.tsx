'use client';

import { whyNot } from '@stapes/contract/abilities';
import type { InstanceFull } from '@stapes/contract/instance';
import { useQuery } from '@tanstack/react-query';
import { Command } from 'cmdk';
import { Bell, Keyboard, LogOut, Moon, Play, Plus, Square, SquareTerminal, Sun, type LucideIcon } from 'lucide-react';
import { useRouter } from 'next/navigation';
import * as Radix from 'radix-ui/dialog';
import { useMemo, useState } from 'react';
import { instanceHref } from '../../lib/instance-link.ts';
import { useTRPC, useTRPCClient } from '../../lib/trpc.ts';
import { matches, parseSearch } from '../instances/search.ts';
import { StatusDot } from '../instances/status.tsx';
import { useBulkActions } from '../instances/use-bulk-actions.ts';
import { navigation } from '../shell/navigation.ts';
import { useOverlays } from '../shell/overlays.ts';
import { setTheme } from '../shell/theme.ts';

const item =
  'flex h-9 cursor-default items-center gap-2.5 rounded-md px-2.5 text-sm data-[selected=true]:bg-accent-soft data-[selected=true]:text-accent-text [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-ink-3';
const group =
  '**:[[cmdk-group-heading]]:px-2.5 **:[[cmdk-group-heading]]:pt-2 **:[[cmdk-group-heading]]:pb-1 **:[[cmdk-group-heading]]:text-xs **:[[cmdk-group-heading]]:font-medium **:[[cmdk-group-heading]]:text-ink-3';
const mostInstances = 8;

interface Entry {
  label: string;
  icon: LucideIcon;
  hint?: string;
  run(): void;
}

function containsAll(label: string, text: string): boolean {
  const lower = label.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

/** Pages, instances and actions by name. The instances understand the same search language as the list. */
export function Palette({ onClose }: { onClose(): void }) {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const router = useRouter();
  const overlays = useOverlays();
  const bulk = useBulkActions();
  // Not deferred: the list must be the new one when cmdk looks for its first entry, or Enter does nothing.
  const [q, setText] = useState('');
  const list = useQuery(trpc.instances.listFull.queryOptions());
  const found = useMemo(() => {
    const terms = parseSearch(q);
    return (list.data ?? []).filter((instance) => matches(instance, terms));
  }, [list.data, q]);
  const then = (run: () => void) => () => {
    onClose();
    run();
  };
  const pages: Entry[] = navigation.map((page) => ({
    label: page.label,
    icon: page.icon,
    hint: `G ${page.key.toUpperCase()}`,
    run: () => router.push(page.href),
  }));
  const actions: Entry[] = [
    { label: 'Create instance', icon: Plus, hint: 'C', run: () => overlays.create() },
    { label: 'Show notifications', icon: Bell, run: () => overlays.show('notifications') },
    { label: 'Keyboard shortcuts', icon: Keyboard, hint: '?', run: () => overlays.show('help') },
    { label: 'Light theme', icon: Sun, run: () => setTheme('light') },
    { label: 'Dark theme', icon: Moon, run: () => setTheme('dark') },
    { label: 'Theme as the system', icon: Moon, run: () => setTheme('system') },
    {
      label: 'Sign out',
      icon: LogOut,
      run: () => void client.auth.logout.mutate().finally(() => location.replace('/login')),
    },
  ];
  const forInstances: Entry[] =
    q.trim() === ''
      ? []
      : found
          .slice(0, 3)
          .flatMap((instance) =>
            instanceActions(instance, (verb) => bulk.mutate({ verb, names: [instance.name] }), router.push),
          );
  const entries = (title: string, members: Entry[]) =>
    members.length > 0 && (
      <Command.Group heading={title} className={group}>
        {members.map((entry) => (
          <Command.Item key={entry.label} value={`${title} ${entry.label}`} onSelect={then(entry.run)} className={item}>
            <entry.icon aria-hidden />
            <span className="min-w-0 flex-1 truncate">{entry.label}</span>
            {entry.hint && <kbd className="font-sans text-xs text-ink-2">{entry.hint}</kbd>}
          </Command.Item>
        ))}
      </Command.Group>
    );
  return (
    <Radix.Root open onOpenChange={onClose}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 animate-fade bg-scrim" />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed top-[10vh] left-1/2 z-50 w-[min(38rem,calc(100vw-1.5rem))] -translate-x-1/2 animate-pop overflow-hidden rounded-xl border border-line bg-raised shadow-pop"
        >
          <Radix.Title className="sr-only">Search and commands</Radix.Title>
          <Command label="Search and commands" shouldFilter={false} loop>
            <Command.Input
              value={q}
              onValueChange={setText}
              placeholder="Search pages, instances and actions…"
              className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none placeholder:text-ink-3"
            />
            <Command.List className="max-h-[min(26rem,60vh)] overflow-y-auto p-1.5">
              <Command.Empty className="px-3 py-8 text-center text-sm text-ink-3">Nothing matches “{q}”.</Command.Empty>
              {found.length > 0 && (
                <Command.Group
                  heading={found.length > mostInstances ? `Instances (${found.length.toLocaleString()})` : 'Instances'}
                  className={group}
                >
                  {found.slice(0, mostInstances).map((instance) => (
                    <Command.Item
                      key={instance.name}
                      value={`instance ${instance.name}`}
                      onSelect={then(() => router.push(instanceHref(instance.name)))}
                      className={item}
                    >
                      <span className="grid w-4 place-items-center">
                        <StatusDot status={instance.status} />
                      </span>
                      <span className="min-w-0 flex-1 truncate">{instance.name}</span>
                      <span className="text-xs text-ink-2">{instance.status}</span>
                    </Command.Item>
                  ))}
                  {found.length > mostInstances && (
                    <Command.Item
                      value="all instances"
                      onSelect={then(() => router.push(`/instances?q=${encodeURIComponent(q)}`))}
                      className={item}
                    >
                      Show all {found.length.toLocaleString()} in the list
                    </Command.Item>
                  )}
                </Command.Group>
              )}
              {entries('On instances', forInstances)}
              {entries(
                'Go to',
                pages.filter((page) => containsAll(page.label, q)),
              )}
              {entries(
                'Actions',
                actions.filter((action) => containsAll(action.label, q)),
              )}
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function instanceActions(
  instance: InstanceFull,
  act: (verb: 'start' | 'stop') => void,
  go: (href: string) => void,
): Entry[] {
  const { name, status } = instance;
  const all: (Entry | null)[] = [
    whyNot('exec', status)
      ? null
      : { label: `Terminal of ${name}`, icon: SquareTerminal, run: () => go(instanceHref(name, 'terminal')) },
    whyNot('start', status) ? null : { label: `Start ${name}`, icon: Play, run: () => act('start') },
    whyNot('stop', status) ? null : { label: `Stop ${name}`, icon: Square, run: () => act('stop') },
  ];
  return all.filter((entry) => entry !== null);
}
