'use client';

import type { InstanceFull } from '@stapes/contract/instance';
import { useQuery } from '@tanstack/react-query';
import { Boxes, Plus, SearchX } from 'lucide-react';
import { useCallback, useDeferredValue, useMemo, useRef, useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';
import { useOverlays } from '../shell/overlays.ts';
import { BulkBar } from './bulk-bar.tsx';
import { ColumnPicker } from './column-picker.tsx';
import { InstanceGrid } from './instance-grid.tsx';
import { matches, parseSearch } from './search.ts';
import { SearchField } from './search-field.tsx';
import { nothingSelected } from './selection.ts';
import { useBulkActions } from './use-bulk-actions.ts';
import { useListState } from './use-list-state.ts';
import { useRows } from './use-rows.ts';
import { UsageContext, useUsageStream } from './usage.ts';

const noInstances: InstanceFull[] = [];

export function InstancesPage() {
  const trpc = useTRPC();
  const overlays = useOverlays();
  const list = useQuery(trpc.instances.listFull.queryOptions());
  const create = (
    <Button variant="primary" onClick={() => overlays.create()}>
      <Plus aria-hidden /> Create instance
    </Button>
  );
  return (
    <div className="flex h-full min-h-80 flex-col">
      <PageHeader title="Instances" meta={list.data && <Counts list={list.data} />} actions={create} />
      {list.error && !list.data ? (
        <ErrorState
          title="Cannot load the instances"
          message={failureOf(list.error).message}
          onRetry={() => void list.refetch()}
        />
      ) : list.data?.length === 0 ? (
        <EmptyState icon={<Boxes aria-hidden />} title="No instances yet" action={create}>
          An instance is a whole Linux system in a container. Create one from an image and open its shell in this
          browser.
        </EmptyState>
      ) : (
        <InstanceList list={list.data ?? noInstances} loading={list.isPending} />
      )}
    </div>
  );
}

function Counts({ list }: { list: readonly InstanceFull[] }) {
  const running = list.filter((instance) => instance.status === 'Running').length;
  return (
    <span className="text-sm text-ink-3 tabular">
      {list.length.toLocaleString()}
      {list.length > 0 && ` · ${running.toLocaleString()} running`}
    </span>
  );
}

function InstanceList({ list, loading }: { list: InstanceFull[]; loading: boolean }) {
  const state = useListState();
  const usage = useUsageStream();
  const grid = useRef<HTMLDivElement>(null);
  const [selection, setSelection] = useState(nothingSelected);
  const q = useDeferredValue(state.q);
  const found = useMemo(() => {
    const terms = parseSearch(q);
    return terms.length === 0 ? list : list.filter((instance) => matches(instance, terms));
  }, [list, q]);
  const table = useRows({ data: found, shown: state.shown, sort: state.sort, usage });
  const selected = useMemo(
    () => (selection.names.size === 0 ? noInstances : list.filter((instance) => selection.names.has(instance.name))),
    [list, selection],
  );
  const bulk = useBulkActions();
  const mutate = bulk.mutate;
  const act = useCallback((verb: 'start' | 'stop', name: string) => mutate({ verb, names: [name] }), [mutate]);
  return (
    <UsageContext value={usage}>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <SearchField value={state.q} onChange={state.setQ} onLeave={() => grid.current?.focus()} />
        {selected.length > 0 ? (
          <BulkBar selected={selected} onClear={() => setSelection(nothingSelected)} />
        ) : (
          <span className="flex-1 max-sm:hidden" />
        )}
        {state.q && (
          <span role="status" className="text-sm text-ink-3 tabular max-sm:hidden">
            {found.length.toLocaleString()} of {list.length.toLocaleString()}
          </span>
        )}
        <span className="max-sm:hidden">
          <ColumnPicker />
        </span>
      </div>
      {loading ? (
        <LoadingRows />
      ) : found.length === 0 ? (
        <EmptyState
          icon={<SearchX aria-hidden />}
          title="Nothing matches"
          action={<Button onClick={() => state.setQ('')}>Clear the search</Button>}
        >
          None of the {list.length.toLocaleString()} instances matches <code className="font-mono">{q}</code>.
        </EmptyState>
      ) : (
        <InstanceGrid
          ref={grid}
          table={table}
          shown={state.shown}
          sort={state.sort}
          selection={selection}
          onSort={state.setSort}
          onSelection={setSelection}
          onAct={act}
        />
      )}
    </UsageContext>
  );
}

/** Takes the place of the grid, row by row, so that nothing moves when it comes. */
function LoadingRows() {
  return (
    <div
      role="status"
      aria-label="Loading the instances"
      className="min-h-0 flex-1 overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div className="h-8 border-b border-line bg-sunken/50" />
      {Array.from({ length: 12 }, (_, row) => (
        <div key={row} className="flex h-14 items-center gap-6 border-b border-line px-3 sm:h-10">
          <Skeleton className="size-4" />
          <Skeleton className="h-3.5 w-40" />
          <Skeleton className="h-3.5 w-20 max-sm:hidden" />
          <Skeleton className="h-3.5 w-24 max-sm:hidden" />
          <Skeleton className="ml-auto h-3.5 w-24" />
        </div>
      ))}
    </div>
  );
}
