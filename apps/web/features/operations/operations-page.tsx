'use client';

import { useQuery } from '@tanstack/react-query';
import { ListChecks } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import { useEffect } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { plural } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { cx } from '../../ui/cx.ts';
import { Select } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';
import { OperationRow } from './operation-row.tsx';
import { groupOf } from './operation-state.ts';

const filters: readonly (readonly [string, string])[] = [
  ['', 'All'],
  ['running', 'Running'],
  ['stuck', 'Need attention'],
  ['failed', 'Failed'],
];

function setShow(value: string): void {
  history.replaceState(null, '', value ? `?show=${value}` : location.pathname);
}

/** Everything that was asked of this server in the last 30 days, with its outcome. */
export function OperationsPage() {
  const trpc = useTRPC();
  const params = useSearchParams();
  const show = params.get('show') ?? '';
  const marked = params.get('id');
  const history = useQuery(trpc.operations.history.queryOptions());
  const shown = history.data?.filter(
    (operation) => show === '' || (show === 'failed' ? operation.status === 'Failure' : groupOf(operation) === show),
  );
  useEffect(() => {
    if (marked && history.data) document.getElementById(`operation-${marked}`)?.scrollIntoView({ block: 'center' });
  }, [marked, history.data]);
  return (
    <>
      <PageHeader
        title="Operations"
        meta={
          history.data && <span className="text-sm text-ink-3 tabular">{plural(history.data.length, 'operation')}</span>
        }
        description="What was asked of this server, by whom, and how it ended. Kept for 30 days."
        actions={
          <Select
            aria-label="Show"
            className="w-32! sm:w-40!"
            value={show}
            onChange={(event) => setShow(event.target.value)}
          >
            {filters.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
        }
      />
      {history.error && (
        <ErrorState
          title="Cannot load the operations"
          message={failureOf(history.error).message}
          onRetry={() => void history.refetch()}
        />
      )}
      {history.isPending && (
        <div
          role="status"
          aria-label="Loading the operations"
          className="grid gap-px overflow-hidden rounded-lg border border-line"
        >
          {Array.from({ length: 8 }, (_, row) => (
            <div key={row} className="flex h-16 items-center bg-surface px-4">
              <Skeleton className="h-4 w-56" />
            </div>
          ))}
        </div>
      )}
      {shown?.length === 0 && (
        <EmptyState icon={<ListChecks aria-hidden />} title={show ? 'None of these' : 'No operations yet'}>
          {show ? 'No operation is in this state.' : 'Start an instance or build an image, and it is listed here.'}
        </EmptyState>
      )}
      {shown && shown.length > 0 && (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {shown.map((operation) => (
            <li
              key={operation.id}
              id={`operation-${operation.id}`}
              className={cx('px-4 py-3', operation.id === marked && 'bg-accent-soft/40')}
            >
              <OperationRow operation={operation} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
