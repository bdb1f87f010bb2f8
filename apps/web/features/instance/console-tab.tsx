'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { Download, RefreshCw, Trash2 } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button, buttonClass } from '../../ui/button.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';

// Colour and cursor sequences of a terminal, which a log does not draw.
const escapes =
  /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_()][0-9A-Za-z]?)|\r(?!\n)/g;

/** What the instance wrote to its console since it started. */
export function ConsoleTab({ name }: { name: string }) {
  const trpc = useTRPC();
  const log = useQuery(trpc.instances.consoleLog.queryOptions({ name }, { staleTime: 0, gcTime: 0 }));
  const clear = useMutation(trpc.instances.clearConsoleLog.mutationOptions({ onSuccess: () => void log.refetch() }));
  const end = useRef<HTMLPreElement>(null);
  const text = log.data?.replace(escapes, '') ?? '';
  useEffect(() => {
    if (end.current) end.current.scrollTop = end.current.scrollHeight;
  }, [text]);
  if (log.isPending) return <Skeleton className="h-96 w-full" />;
  if (log.isError)
    return (
      <ErrorState
        title="The console log could not be read"
        message={failureOf(log.error).message}
        onRetry={() => void log.refetch()}
      />
    );
  return (
    <div className="grid grid-cols-1 gap-3">
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={() => void log.refetch()} pending={log.isFetching}>
          <RefreshCw aria-hidden /> Refresh
        </Button>
        <a
          className={buttonClass()}
          href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
          download={`${name}-console.log`}
        >
          <Download aria-hidden /> Download
        </a>
        <Button
          onClick={() => clear.mutate({ name })}
          pending={clear.isPending}
          reason={text === '' ? 'It is empty' : null}
        >
          <Trash2 aria-hidden /> Clear
        </Button>
      </div>
      {text.trim() === '' ? (
        <EmptyState title="Nothing on the console yet">
          Messages of the boot and of services that write to the console appear here.
        </EmptyState>
      ) : (
        <pre
          ref={end}
          tabIndex={0}
          aria-label={`Console log of ${name}`}
          className="max-h-[65vh] overflow-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs leading-5 whitespace-pre-wrap"
        >
          {text}
        </pre>
      )}
    </div>
  );
}
