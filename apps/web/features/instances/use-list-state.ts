'use client';

import { useSearchParams } from 'next/navigation';
import { useCallback, useMemo } from 'react';
import { formatColumns, formatSort, parseColumns, parseSort, type ColumnId, type Sort } from './columns.ts';

function replace(key: string, value: string | null): void {
  const params = new URLSearchParams(location.search);
  if (value) params.set(key, value);
  else params.delete(key);
  const text = params.toString();
  // Next keeps useSearchParams in step with this; nothing is loaded.
  history.replaceState(null, '', text ? `${location.pathname}?${text}` : location.pathname);
}

/** Search, columns and sort of the list: they live in the address, so that a link shows the same list. */
export function useListState() {
  const params = useSearchParams();
  const q = params.get('q') ?? '';
  const cols = params.get('cols');
  const sortText = params.get('sort');
  const shown = useMemo(() => parseColumns(cols), [cols]);
  const sort = useMemo(() => parseSort(sortText), [sortText]);
  const setQ = useCallback((value: string) => replace('q', value), []);
  const setShown = useCallback((ids: readonly ColumnId[]) => replace('cols', formatColumns(ids)), []);
  const setSort = useCallback((next: Sort) => replace('sort', formatSort(next)), []);
  return { q, setQ, shown, setShown, sort, setSort };
}
