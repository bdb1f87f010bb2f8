'use client';

import type { InstanceFull } from '@stapes/contract/instance';
import {
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
} from '@tanstack/react-table';
import { useMemo } from 'react';
import { Store, useStore } from '../../lib/store.ts';
import { columns, compareBy, type ColumnId, type Sort } from './columns.ts';
import type { Usage } from './usage.ts';

const features = tableFeatures({ columnVisibilityFeature, rowSortingFeature, sortedRowModel: createSortedRowModel() });
const still = new Store<Usage>({});

/** The rows in order and the columns that are shown. Follows the usage stream only while it is sorted by a live column. */
export function useRows(options: {
  data: readonly InstanceFull[];
  shown: readonly ColumnId[];
  sort: Sort;
  usage: Store<Usage>;
}) {
  const { data, shown, sort, usage } = options;
  const live = columns.find((column) => column.id === sort.id)?.live ?? false;
  const reading = useStore(live ? usage : still);
  // A new array for each reading makes the table sort anew.
  const rows = useMemo(() => (reading ? [...data] : []), [data, reading]);
  const definitions = useMemo(
    () =>
      columns.map((column): ColumnDef<typeof features, InstanceFull> => {
        const compare = compareBy(column, usage.get);
        return {
          id: column.id,
          accessorFn: (instance) => column.key(instance, usage.get()),
          sortFn: (a, b) => compare(a.original, b.original),
        };
      }),
    [usage],
  );
  const columnVisibility = useMemo(
    () => Object.fromEntries(columns.map((column) => [column.id, shown.includes(column.id)])),
    [shown],
  );
  const sorting = useMemo(() => [{ id: sort.id, desc: sort.desc }], [sort]);
  return useTable({
    features,
    columns: definitions,
    data: rows,
    state: { columnVisibility, sorting },
    getRowId: (instance) => instance.name,
  });
}
export type InstanceTable = ReturnType<typeof useRows>;
