'use client';

import { whyNot } from '@stapes/contract/abilities';
import type { InstanceFull } from '@stapes/contract/instance';
import { Play, Square, SquareTerminal } from 'lucide-react';
import Link from 'next/link';
import { memo, type MouseEvent } from 'react';
import { instanceHref } from '../../lib/instance-link.ts';
import { cx } from '../../ui/cx.ts';
import { Checkbox } from '../../ui/input.tsx';
import { Cell, CpuCell, MemoryCell } from './cells.tsx';
import type { ColumnId } from './columns.ts';
import { addressesOf, imageOf } from './search.ts';
import { StatusDot } from './status.tsx';

export const rowId = (name: string) => `instance-row-${name}`;

interface RowProps {
  instance: InstanceFull;
  index: number;
  top: number;
  height: number;
  shown: readonly ColumnId[];
  template: string;
  compact: boolean;
  active: boolean;
  selected: boolean;
  onSelect(name: string, index: number, range: boolean): void;
  onAct(verb: 'start' | 'stop', name: string): void;
}

const iconButton =
  'grid size-7 place-items-center rounded-md text-ink-3 hover:bg-sunken hover:text-ink disabled:opacity-35 disabled:hover:bg-transparent [&_svg]:size-4';

/** The controls of a row are out of the tab order: the grid has the focus and its keys do the same (arrows, Space, Enter). */
export const InstanceRow = memo(function InstanceRow({
  instance,
  index,
  top,
  height,
  shown,
  template,
  compact,
  active,
  selected,
  onSelect,
  onAct,
}: RowProps) {
  const select = (event: MouseEvent) => {
    if (event.target instanceof Element && event.target.closest('a,button,input')) return;
    onSelect(instance.name, index, event.shiftKey);
  };
  const shape = {
    role: 'row',
    id: rowId(instance.name),
    'aria-rowindex': index + 2,
    'aria-selected': selected,
    className: cx(
      'group absolute inset-x-0 border-b border-line text-sm',
      selected ? 'bg-accent-soft/60' : 'bg-surface hover:bg-hover',
      active &&
        'group-focus-visible/grid:shadow-[inset_3px_0_0_var(--accent)] group-focus-visible/grid:outline-2 group-focus-visible/grid:-outline-offset-2 group-focus-visible/grid:outline-accent',
    ),
  };
  const check = (
    <Checkbox
      aria-label={`Select ${instance.name}`}
      tabIndex={-1}
      checked={selected}
      onChange={() => undefined}
      onClick={(event) => onSelect(instance.name, index, event.shiftKey)}
    />
  );
  const link = (
    <Link
      href={instanceHref(instance.name)}
      prefetch={false}
      tabIndex={-1}
      className="truncate font-medium text-ink hover:text-accent-text hover:underline"
    >
      {instance.name}
    </Link>
  );
  if (compact) {
    return (
      <div {...shape} style={{ top, height }} onClick={select}>
        <div role="gridcell" className="flex h-full items-center gap-3 px-3">
          {check}
          <div className="min-w-0 flex-1">
            <p className="flex min-w-0 items-center gap-2">
              <StatusDot status={instance.status} />
              <span className="sr-only">{instance.status}</span>
              {link}
            </p>
            <p className="truncate text-xs text-ink-3 tabular">
              {[addressesOf(instance, 'inet')[0] ?? instance.status, imageOf(instance)].filter(Boolean).join(' · ')}
            </p>
          </div>
          <div className="grid w-18 shrink-0 justify-items-end text-xs text-ink-2 **:text-xs!">
            <CpuCell instance={instance} plain />
            {instance.status === 'Running' && <MemoryCell instance={instance} plain />}
          </div>
        </div>
      </div>
    );
  }
  return (
    <div {...shape} style={{ top, height }} onClick={select}>
      <div className="grid h-full items-center" style={{ gridTemplateColumns: template }} role="presentation">
        <div role="gridcell" className="grid place-items-center">
          {check}
        </div>
        {shown.map((id) => (
          <div key={id} role="gridcell" className="flex min-w-0 items-center px-2 whitespace-nowrap text-ink-2">
            {id === 'name' ? link : <Cell id={id} instance={instance} />}
          </div>
        ))}
        <div role="gridcell" className="flex justify-end gap-0.5 pr-1.5 opacity-60 group-hover:opacity-100">
          <RowActions instance={instance} onAct={onAct} />
        </div>
      </div>
    </div>
  );
});

function RowActions({
  instance,
  onAct,
}: {
  instance: InstanceFull;
  onAct(verb: 'start' | 'stop', name: string): void;
}) {
  const { name, status } = instance;
  const verb = whyNot('start', status) === null && status !== 'Frozen' ? 'start' : 'stop';
  const reason = whyNot(verb, status);
  const noShell = whyNot('exec', status);
  return (
    <>
      {noShell ? (
        <button
          type="button"
          tabIndex={-1}
          disabled
          className={iconButton}
          title={`Terminal: ${noShell}`}
          aria-label={`Terminal of ${name}: ${noShell}`}
        >
          <SquareTerminal aria-hidden />
        </button>
      ) : (
        <Link
          href={instanceHref(name, 'terminal')}
          prefetch={false}
          tabIndex={-1}
          className={iconButton}
          title="Terminal"
          aria-label={`Terminal of ${name}`}
        >
          <SquareTerminal aria-hidden />
        </Link>
      )}
      <button
        type="button"
        tabIndex={-1}
        disabled={reason !== null}
        className={iconButton}
        title={reason ?? (verb === 'start' ? 'Start' : 'Stop')}
        aria-label={`${verb === 'start' ? 'Start' : 'Stop'} ${name}${reason ? `: ${reason}` : ''}`}
        onClick={() => onAct(verb, name)}
      >
        {verb === 'start' ? <Play aria-hidden /> : <Square aria-hidden />}
      </button>
    </>
  );
}
