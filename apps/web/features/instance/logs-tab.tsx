'use client';

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { CodeBlock } from '../../ui/code-block.tsx';
import { Field } from '../../ui/field.tsx';
import { Select } from '../../ui/input.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';

/** Logs of the runtime about this instance: what to read when it does not start. */
export function LogsTab({ name }: { name: string }) {
  const trpc = useTRPC();
  const list = useQuery(trpc.instances.logs.queryOptions({ name }, { staleTime: 0 }));
  const [chosen, setChosen] = useState<string | null>(null);
  const file = chosen ?? list.data?.[0] ?? null;
  const log = useQuery(
    trpc.instances.log.queryOptions({ name, file: file ?? '' }, { enabled: file !== null, staleTime: 0, gcTime: 0 }),
  );
  if (list.isPending) return <Skeleton className="h-96 w-full" />;
  if (list.isError)
    return (
      <ErrorState
        title="The logs could not be listed"
        message={failureOf(list.error).message}
        onRetry={() => void list.refetch()}
      />
    );
  if (file === null)
    return (
      <EmptyState title="No logs yet">
        The runtime writes its log when the instance starts for the first time.
      </EmptyState>
    );
  return (
    <div className="grid grid-cols-1 gap-3">
      <Field label="Log" className="max-w-xs">
        {(control) => (
          <Select {...control} value={file} onChange={(event) => setChosen(event.target.value)}>
            {list.data.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </Select>
        )}
      </Field>
      {log.isPending && <Skeleton className="h-80 w-full" />}
      {log.isError && (
        <ErrorState
          title={`${file} could not be read`}
          message={failureOf(log.error).message}
          onRetry={() => void log.refetch()}
        />
      )}
      {log.isSuccess &&
        (log.data === '' ? (
          <EmptyState title="This log is empty">Nothing went wrong that is worth a line.</EmptyState>
        ) : (
          <CodeBlock text={log.data} label={file} />
        ))}
    </div>
  );
}
