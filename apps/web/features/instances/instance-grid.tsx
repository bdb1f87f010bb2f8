'use client';

import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore, type KeyboardEvent, type Ref } from 'react';
import { instanceHref } from '../../lib/instance-link.ts';
import { cx } from '../../ui/cx.ts';
import { Checkbox } from '../../ui/input.tsx';
import { columns, type ColumnId, type Sort } from './columns.ts';
import { InstanceRow, rowId } from './instance-row.tsx';
import { allToggled, nothingSelected, toggled, type Selection } from './selection.ts';
import type { InstanceTable } from './use-rows.ts';

const narrow = '(max-width: 639px)';
function subscribeNarrow(listener: () => void): () => void {
  const media = matchMedia(narrow);
  media.addEventListener('change', listener);
  return () => media.removeEventListener('change', listener);
}

interface GridProps {
  table: InstanceTable;
  shown: readonly ColumnId[];
  sort: Sort;
  selection: Selection;
  onSort(sort: Sort): void;
  onSelection(selection: Selection): void;
  onAct(verb: 'start' | 'stop', name: string): void;
  ref: Ref<HTMLDivElement>;
}

/** Only the rows in sight are in the document. The grid itself has the focus; the active row moves with the arrow keys. */
export function InstanceGrid({ table, shown, sort, selection, onSort, onSelection, onAct, ref }: GridProps) {
  'use no memo'; // the virtualizer changes under the same reference
  const router = useRouter();
  const scroller = useRef<HTMLDivElement>(null);
  const compact = useSyncExternalStore(
    subscribeNarrow,
    () => matchMedia(narrow).matches,
    () => false,
  );
  const [active, setActive] = useState(0);
  const rows = table.getRowModel().rows;
  const height = compact ? 56 : 40;
  // eslint-disable-next-line react-hooks/incompatible-library -- see "use no memo" above
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  useEffect(() => virtualizer.measure(), [height, virtualizer]);

  const latest = useRef({ rows, selection, onSelection });
  useEffect(() => {
    latest.current = { rows, selection, onSelection };
  });
  const select = useCallback((_name: string, index: number, range: boolean) => {
    const now = latest.current;
    setActive(index);
    now.onSelection(
      toggled(
        now.selection,
        now.rows.map((row) => row.id),
        index,
        range,
      ),
    );
  }, []);

  const last = rows.length - 1;
  const at = Math.min(active, last);
  const order = () => rows.map((row) => row.id);
  const move = (to: number, extend: boolean) => {
    const next = Math.max(0, Math.min(last, to));
    setActive(next);
    virtualizer.scrollToIndex(next);
    if (!extend) return;
    const from = selection.anchor === null ? { names: new Set(selection.names), anchor: at } : selection;
    onSelection(toggled(from, order(), next, true));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || last < 0) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / height) - 2);
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    const name = rows[at]?.id;
    if (to !== undefined) move(to, event.shiftKey);
    else if (event.key === ' ') onSelection(toggled(selection, order(), at, event.shiftKey));
    else if (event.key === 'Enter' && name) router.push(instanceHref(name));
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) onSelection(allToggled(nothingSelected, order()));
    else if (event.key === 'Escape' && selection.names.size > 0) onSelection(nothingSelected);
    else return;
    event.preventDefault();
  };

  const visible = columns.filter((column) => shown.includes(column.id));
  const template = `2.5rem ${visible.map((column) => column.width).join(' ')} 4.75rem`;
  const minWidth = compact ? undefined : 40 + 76 + visible.reduce((sum, column) => sum + column.minPx, 0);
  const activeName = rows[at]?.id;
  const all = rows.length > 0 && rows.every((row) => selection.names.has(row.id));
  return (
    <div
      ref={(element) => {
        scroller.current = element;
        if (typeof ref === 'function') ref(element);
        else if (ref) ref.current = element;
      }}
      role="grid"
      aria-label="Instances"
      aria-rowcount={rows.length + 1}
      aria-multiselectable
      aria-activedescendant={activeName ? rowId(activeName) : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      className="group/grid relative min-h-0 overflow-auto rounded-lg border border-line bg-surface focus-visible:outline-offset-0"
    >
      <div role="rowgroup" className="sticky top-0 z-10" style={{ minWidth }}>
        <div
          role="row"
          aria-rowindex={1}
          className="grid h-8 items-center border-b border-line bg-[color-mix(in_srgb,var(--sunken)_55%,var(--surface))] text-xs text-ink-2"
          style={{ gridTemplateColumns: compact ? '2.75rem 1fr' : template }}
        >
          <div role="columnheader" className="grid place-items-center">
            <Checkbox
              aria-label="Select all that are shown"
              tabIndex={-1}
              checked={all}
              ref={(box) => {
                if (box) box.indeterminate = !all && selection.names.size > 0;
              }}
              onChange={() => onSelection(allToggled(selection, order()))}
            />
          </div>
          {(compact ? visible.slice(0, 1) : visible).map((column) => {
            const sorted = sort.id === column.id;
            return (
              <div
                key={column.id}
                role="columnheader"
                aria-sort={sorted ? (sort.desc ? 'descending' : 'ascending') : 'none'}
                className="min-w-0"
              >
                <button
                  type="button"
                  className={cx(
                    'flex h-8 w-full items-center gap-1 px-2 font-medium hover:text-ink focus-visible:-outline-offset-2',
                    column.numeric && 'justify-end',
                    sorted && 'text-ink',
                  )}
                  onClick={() => onSort({ id: column.id, desc: sorted ? !sort.desc : (column.numeric ?? false) })}
                >
                  <span className="truncate">{column.label}</span>
                  {sorted &&
                    (sort.desc ? (
                      <ArrowDown className="size-3" aria-hidden />
                    ) : (
                      <ArrowUp className="size-3" aria-hidden />
                    ))}
                </button>
              </div>
            );
          })}
          {!compact && (
            <div role="columnheader">
              <span className="sr-only">Actions</span>
            </div>
          )}
        </div>
      </div>
      <div role="rowgroup" className="relative" style={{ height: virtualizer.getTotalSize(), minWidth }}>
        {virtualizer.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <InstanceRow
              key={row.id}
              instance={row.original}
              index={item.index}
              top={item.start}
              height={height}
              shown={shown}
              template={template}
              compact={compact}
              active={row.id === activeName}
              selected={selection.names.has(row.id)}
              onSelect={select}
              onAct={onAct}
            />
          );
        })}
      </div>
    </div>
  );
}
