'use client';

import { whyNot } from '@stapes/contract/abilities';
import type { InstanceStatus } from '@stapes/contract/instance';
import type { TerminalSession } from '@stapes/contract/terminal';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Maximize2, Minimize2, Plus, Search, TerminalSquare, X } from 'lucide-react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/cx.ts';
import { Field } from '../../ui/field.tsx';
import { Checkbox, Input } from '../../ui/input.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';
import type { ConnectionState } from './terminal-connection.ts';
import { TerminalScreen, type ScreenHandle } from './terminal-screen.tsx';
import { TerminalSearch } from './terminal-search.tsx';

const stateText: Record<ConnectionState, string> = {
  connecting: 'Connecting …',
  open: 'Connected',
  reconnecting: 'Connection lost. Trying again …',
  exited: 'Ended',
  closed: 'Closed',
  gone: 'This session is gone',
};

interface Remembered {
  user: string;
  shell: string;
  fontSize: number;
  screenReader: boolean;
}
const preferenceKey = (instance: string) => `stapes-terminal-${instance}`;
function remembered(instance: string): Remembered {
  const fallback = { user: 'root', shell: '', fontSize: 13, screenReader: false };
  try {
    return {
      ...fallback,
      ...(JSON.parse(localStorage.getItem(preferenceKey(instance)) ?? '{}') as Partial<Remembered>),
    };
  } catch {
    return fallback;
  }
}

/** All sessions of one instance as tabs. They live on the server: this page only looks at them. */
export function TerminalWorkspace({ instance, status }: { instance: string; status: InstanceStatus }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const list = useQuery(trpc.terminals.list.queryOptions(undefined, { staleTime: 0 }));
  const [chosen, setChosen] = useState<string | null>(null);
  const [settings, setSettings] = useState(() => remembered(instance));
  const [isAsking, setIsAsking] = useState(false);
  const reload = () => queries.invalidateQueries({ queryKey: trpc.terminals.list.queryKey() });
  const create = useMutation(
    trpc.terminals.create.mutationOptions({
      onSuccess: async (session) => {
        setIsAsking(false);
        await reload();
        setChosen(session.id);
      },
    }),
  );
  const close = useMutation(trpc.terminals.close.mutationOptions({ onSettled: reload }));
  const change = (part: Partial<Remembered>) => {
    const next = { ...settings, ...part };
    setSettings(next);
    try {
      localStorage.setItem(preferenceKey(instance), JSON.stringify(next));
    } catch {
      // Only the memory of the choice is lost.
    }
  };

  // Coming to this tab is asking for a shell: one is opened unless there is one to go back to.
  const opened = useRef(false);
  const sessions = (list.data ?? []).filter((session) => session.instance === instance);
  const reason = whyNot('exec', status);
  useEffect(() => {
    if (!list.isSuccess || opened.current || reason !== null) return;
    opened.current = true;
    if (sessions.length === 0) create.mutate({ instance, user: settings.user, shell: settings.shell });
  }, [list.isSuccess, sessions.length, reason, create, instance, settings]);

  if (list.isPending) return <Skeleton className="h-[60vh] w-full" />;
  if (list.isError)
    return (
      <ErrorState
        title="The terminals could not be listed"
        message={failureOf(list.error).message}
        onRetry={() => void list.refetch()}
      />
    );
  const active = sessions.find((session) => session.id === chosen) ?? sessions[0];
  const open = () => create.mutate({ instance, user: settings.user, shell: settings.shell });
  if (!active) {
    return (
      <div className="grid grid-cols-1 gap-3">
        {create.isError && (
          <ErrorState title="No terminal could be opened" message={failureOf(create.error).message} onRetry={open} />
        )}
        {create.isPending ? (
          <Skeleton className="h-[60vh] w-full" />
        ) : (
          <EmptyState
            icon={<TerminalSquare />}
            title="No terminal is open"
            action={
              <Button variant="primary" onClick={() => setIsAsking(true)} reason={reason}>
                Open terminal
              </Button>
            }
          >
            A terminal goes on when you close this page or take another device: come back to the same shell with the
            same screen.
          </EmptyState>
        )}
        {isAsking && (
          <OpenForm
            settings={settings}
            pending={create.isPending}
            onChange={change}
            onOpen={open}
            onClose={() => setIsAsking(false)}
          />
        )}
      </div>
    );
  }
  return (
    <div className="grid grid-cols-1 gap-3">
      {create.isError && <ErrorState title="No terminal could be opened" message={failureOf(create.error).message} />}
      {isAsking && (
        <OpenForm
          settings={settings}
          pending={create.isPending}
          onChange={change}
          onOpen={open}
          onClose={() => setIsAsking(false)}
        />
      )}
      <Sessions
        sessions={sessions}
        active={active}
        settings={settings}
        newReason={reason}
        onChoose={setChosen}
        onNew={() => setIsAsking(true)}
        onClose={(id) => close.mutate({ id })}
        onChange={change}
        onExit={() => void reload()}
      />
    </div>
  );
}

interface OpenFormProps {
  settings: Remembered;
  pending: boolean;
  onChange(part: Partial<Remembered>): void;
  onOpen(): void;
  onClose(): void;
}

function OpenForm({ settings, pending, onChange, onOpen, onClose }: OpenFormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onOpen();
  };
  return (
    <form
      onSubmit={submit}
      aria-label="Open a terminal"
      className="flex flex-wrap items-end gap-3 rounded-lg border border-line bg-surface p-3"
    >
      <Field label="User" className="w-36">
        {(control) => (
          <Input
            {...control}
            value={settings.user}
            onChange={(event) => onChange({ user: event.target.value })}
            autoFocus
          />
        )}
      </Field>
      <Field label="Shell" className="w-48">
        {(control) => (
          <Input
            {...control}
            value={settings.shell}
            placeholder="the user's own"
            onChange={(event) => onChange({ shell: event.target.value })}
          />
        )}
      </Field>
      <label className="flex h-8 items-center gap-2 text-sm">
        <Checkbox
          checked={settings.screenReader}
          onChange={(event) => onChange({ screenReader: event.target.checked })}
        />{' '}
        Screen reader mode
      </label>
      <span className="ml-auto flex gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" pending={pending}>
          Open
        </Button>
      </span>
    </form>
  );
}

interface SessionsProps {
  sessions: TerminalSession[];
  active: TerminalSession;
  settings: Remembered;
  newReason: string | null;
  onChoose(id: string): void;
  onNew(): void;
  onClose(id: string): void;
  onChange(part: Partial<Remembered>): void;
  onExit(): void;
}

function Sessions({
  sessions,
  active,
  settings,
  newReason,
  onChoose,
  onNew,
  onClose,
  onChange,
  onExit,
}: SessionsProps) {
  const frame = useRef<HTMLDivElement>(null);
  const screen = useRef<ScreenHandle>(null);
  const [seen, setSeen] = useState<{ id: string; state: ConnectionState; exitCode: number | null } | null>(null);
  // What an earlier screen still says as it goes is not about this one.
  const { state, exitCode } = seen?.id === active.id ? seen : { state: 'connecting' as const, exitCode: null };
  const [titles, setTitles] = useState<Record<string, string>>({});
  const [isSearching, setIsSearching] = useState(false);
  const [matches, setMatches] = useState('');
  const [isFull, setIsFull] = useState(false);
  useEffect(() => {
    const changed = () => setIsFull(document.fullscreenElement === frame.current);
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  const nameOf = (session: TerminalSession, index: number) =>
    titles[session.id] || session.title || `${session.user} ${index + 1}`;
  const toggleSearch = () => {
    setIsSearching((on) => !on);
    screen.current?.clearSearch();
  };
  return (
    <div
      ref={frame}
      className="flex h-[max(24rem,calc(100dvh-15rem))] flex-col overflow-hidden rounded-lg border border-line bg-[#0b0e14] [&:fullscreen]:h-screen"
      onKeyDown={(event) => {
        if (event.ctrlKey && event.shiftKey && event.code === 'KeyF') {
          event.preventDefault();
          toggleSearch();
        }
      }}
    >
      <div className="flex items-center gap-1 border-b border-line bg-surface px-1.5 py-1">
        <ul aria-label="Terminals" className="flex min-w-0 gap-1 overflow-x-auto [scrollbar-width:none]">
          {sessions.map((session, index) => (
            <li
              key={session.id}
              className={cx(
                'flex shrink-0 items-center rounded-md',
                session.id === active.id ? 'bg-hover' : 'hover:bg-hover/60',
              )}
            >
              <button
                type="button"
                aria-current={session.id === active.id || undefined}
                onClick={() => onChoose(session.id)}
                className={cx(
                  'h-7 max-w-56 truncate rounded-md pr-1 pl-2.5 text-xs focus-visible:-outline-offset-2',
                  session.id === active.id ? 'font-medium text-ink' : 'text-ink-2',
                )}
              >
                {nameOf(session, index)}
                {session.status === 'exited' && ' (ended)'}
              </button>
              <IconButton label={`Close ${nameOf(session, index)}`} size="sm" onClick={() => onClose(session.id)}>
                <X aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
        <IconButton label="New terminal" size="sm" className="mr-auto" onClick={onNew} reason={newReason}>
          <Plus aria-hidden />
        </IconButton>
        <IconButton
          label="Smaller text"
          size="sm"
          onClick={() => onChange({ fontSize: Math.max(8, settings.fontSize - 1) })}
        >
          <span aria-hidden className="text-xs">
            A−
          </span>
        </IconButton>
        <IconButton
          label="Larger text"
          size="sm"
          onClick={() => onChange({ fontSize: Math.min(28, settings.fontSize + 1) })}
        >
          <span aria-hidden className="text-sm">
            A+
          </span>
        </IconButton>
        <IconButton label="Search (Ctrl+Shift+F)" size="sm" aria-pressed={isSearching} onClick={toggleSearch}>
          <Search aria-hidden />
        </IconButton>
        <IconButton
          label={isFull ? 'Leave full screen' : 'Full screen'}
          size="sm"
          onClick={() => void (isFull ? document.exitFullscreen() : frame.current?.requestFullscreen())}
        >
          {isFull ? <Minimize2 aria-hidden /> : <Maximize2 aria-hidden />}
        </IconButton>
      </div>
      {isSearching && (
        <TerminalSearch
          matches={matches}
          onFind={(term, direction) => screen.current?.find(term, direction) ?? false}
          onClose={toggleSearch}
        />
      )}
      <div className="min-h-0 flex-1">
        <TerminalScreen
          key={active.id}
          ref={screen}
          id={active.id}
          label={`Terminal of ${active.instance}`}
          fontSize={settings.fontSize}
          screenReader={settings.screenReader}
          visible
          onState={(now) =>
            setSeen((before) => ({
              id: active.id,
              state: now,
              exitCode: before?.id === active.id ? before.exitCode : active.exit_code,
            }))
          }
          onTitle={(title) => setTitles((all) => ({ ...all, [active.id]: title }))}
          onSearchResults={setMatches}
          onExit={(code) => {
            setSeen({ id: active.id, state: 'exited', exitCode: code });
            onExit();
          }}
        />
      </div>
      <p
        role="status"
        className={cx(
          'flex items-center gap-2 border-t border-line bg-surface px-3 py-1 text-xs',
          state === 'reconnecting' || state === 'gone' ? 'text-warn' : 'text-ink-2',
        )}
      >
        <span>{state === 'exited' && exitCode !== null ? `Ended with exit code ${exitCode}` : stateText[state]}</span>
        <span className="ml-auto hidden text-ink-3 sm:inline">{active.command.join(' ')}</span>
      </p>
    </div>
  );
}
