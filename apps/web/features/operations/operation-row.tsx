'use client';

import { isFinished, type OperationRecord } from '@stapes/contract/operation';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { formatAgo, formatDate } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Progress } from '../../ui/states.tsx';
import { useNotifications } from '../notifications/notifications.ts';
import { statusText, subjectsOf, toneOf, whyNoCancel } from './operation-state.ts';

/** One operation of the tray or of the operations page, with its progress, its whole error and what can be done about it. */
export function OperationRow({ operation, onNavigate }: { operation: OperationRecord; onNavigate?(): void }) {
  const subjects = subjectsOf(operation);
  const running = !isFinished(operation) && !operation.stuck;
  return (
    <div className="grid gap-1.5">
      <div className="flex items-start gap-2">
        <div className="min-w-0 flex-1">
          <p className="text-sm font-medium break-words">
            {operation.description}
            {subjects.slice(0, 3).map(({ name, href }) =>
              href ? (
                <Link
                  key={name}
                  href={href}
                  prefetch={false}
                  onClick={() => onNavigate?.()}
                  className="ml-1.5 text-accent-text underline decoration-accent/40 underline-offset-2 hover:decoration-current"
                >
                  {name}
                </Link>
              ) : (
                <span key={name} className="ml-1.5 font-normal text-ink-2">
                  {name}
                </span>
              ),
            )}
          </p>
          <p className="text-xs text-ink-3">
            <time dateTime={operation.created_at} title={formatDate(operation.created_at)}>
              {formatAgo(operation.created_at)}
            </time>
            {operation.requestor && <> · {operation.requestor}</>}
            {running && operation.progress?.step && <> · {operation.progress.step}</>}
          </p>
        </div>
        <div className="flex items-center gap-2">
          <Badge tone={toneOf(operation)}>{statusText(operation)}</Badge>
          <OperationActions operation={operation} />
        </div>
      </div>
      {running && (
        <div className="grid gap-1">
          <Progress label={`Progress of ${operation.description}`} value={operation.progress?.fraction ?? null} />
          {operation.progress?.text && <p className="text-xs text-ink-2 tabular">{operation.progress.text}</p>}
        </div>
      )}
      {operation.err && <OperationError text={operation.err} stuck={operation.stuck} />}
    </div>
  );
}

function OperationError({ text, stuck }: { text: string; stuck: boolean }) {
  const [whole, setWhole] = useState(false);
  const long = text.length > 240 || text.split('\n').length > 3;
  return (
    <div
      className={`flex items-start gap-2 rounded-md px-2.5 py-1.5 ${stuck ? 'bg-warn-soft text-warn' : 'bg-bad-soft text-bad'}`}
    >
      <div className="min-w-0 flex-1">
        <p className={`text-xs break-words whitespace-pre-wrap ${long && !whole ? 'line-clamp-3' : ''}`}>{text}</p>
        {long && (
          <button
            type="button"
            aria-expanded={whole}
            className="text-xs font-medium underline"
            onClick={() => setWhole(!whole)}
          >
            {whole ? 'Show less' : 'Show all'}
          </button>
        )}
      </div>
      <CopyButton text={text} label="Copy the error" />
    </div>
  );
}

function OperationActions({ operation }: { operation: OperationRecord }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const notifications = useNotifications();
  const refresh = () => queries.invalidateQueries({ queryKey: trpc.operations.history.queryKey() });
  const failed = (title: string) => (error: unknown) =>
    notifications.add({ tone: 'bad', title, body: failureOf(error).message });
  const cancel = useMutation(
    trpc.operations.cancel.mutationOptions({ onSettled: refresh, onError: failed('Cannot cancel the operation') }),
  );
  const retry = useMutation(
    trpc.operations.retry.mutationOptions({ onSettled: refresh, onError: failed('Cannot try again') }),
  );
  if (operation.stuck) {
    return (
      <Button size="sm" pending={retry.isPending} onClick={() => retry.mutate({ id: operation.id })}>
        Retry clean-up
      </Button>
    );
  }
  if (isFinished(operation)) return null;
  return (
    <Button
      size="sm"
      pending={cancel.isPending}
      reason={whyNoCancel(operation)}
      onClick={() => cancel.mutate({ id: operation.id })}
    >
      Cancel
    </Button>
  );
}
