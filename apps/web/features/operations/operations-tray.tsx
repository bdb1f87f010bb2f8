'use client';

import { useQuery } from '@tanstack/react-query';
import { ListChecks } from 'lucide-react';
import Link from 'next/link';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { buttonClass } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';
import { OperationRow } from './operation-row.tsx';
import { groupOf, type OperationGroup } from './operation-state.ts';

const groups: readonly (readonly [OperationGroup, string])[] = [
  ['stuck', 'Need attention'],
  ['running', 'Running'],
  ['finished', 'Finished'],
];
const mostFinished = 20;

/** What runs, what is stuck and what has lately ended. */
export function OperationsTray({ onClose }: { onClose(): void }) {
  const trpc = useTRPC();
  const history = useQuery(trpc.operations.history.queryOptions());
  const tasks = history.data?.filter((operation) => operation.class === 'task') ?? [];
  const footer = (
    <Link href="/operations" prefetch={false} onClick={onClose} className={buttonClass()}>
      All operations
    </Link>
  );
  return (
    <Dialog open onOpenChange={onClose} title="Operations" kind="sheet" size="md" footer={footer}>
      {history.isPending && (
        <div className="grid gap-4">
          {[0, 1, 2].map((row) => (
            <Skeleton key={row} className="h-10" />
          ))}
        </div>
      )}
      {history.error && (
        <ErrorState
          title="Cannot load the operations"
          message={failureOf(history.error).message}
          onRetry={() => void history.refetch()}
        />
      )}
      {history.data && tasks.length === 0 && (
        <EmptyState icon={<ListChecks aria-hidden />} title="No operations yet">
          What you start here, or over the API, shows its progress in this place.
        </EmptyState>
      )}
      <div className="grid gap-5">
        {groups.map(([group, label]) => {
          const members = tasks
            .filter((operation) => groupOf(operation) === group)
            .slice(0, group === 'finished' ? mostFinished : undefined);
          if (members.length === 0) return null;
          return (
            <section key={group}>
              <h3 className="mb-1 text-xs font-semibold text-ink-3">{label}</h3>
              <ul className="divide-y divide-line">
                {members.map((operation) => (
                  <li key={operation.id} className="py-2.5">
                    <OperationRow operation={operation} onNavigate={onClose} />
                  </li>
                ))}
              </ul>
            </section>
          );
        })}
      </div>
    </Dialog>
  );
}
