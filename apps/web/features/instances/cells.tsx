'use client';

import type { InstanceFull } from '@stapes/contract/instance';
import { parseBytes } from '@stapes/contract/units';
import { memo, type ReactNode } from 'react';
import { formatAgo, formatBytes, formatCpu, formatDate } from '../../lib/format.ts';
import { cx } from '../../ui/cx.ts';
import type { ColumnId } from './columns.ts';
import { addressesOf, imageOf, poolOf } from './search.ts';
import { StatusText } from './status.tsx';
import { useUsageOf } from './usage.ts';

const none = <span className="text-ink-3">–</span>;
const noFigure = <span className="w-full text-right text-ink-3">–</span>;

function End({ children }: { children: ReactNode }) {
  return <span className="w-full text-right tabular">{children}</span>;
}

function Meter({ share, children }: { share: number; children: ReactNode }) {
  const percent = Math.min(100, Math.max(0, share * 100));
  return (
    <span className="grid w-full gap-1">
      <span className="text-right text-sm leading-4 tabular">{children}</span>
      <span aria-hidden className="h-0.75 overflow-hidden rounded-full bg-sunken">
        <span
          className={cx('block h-full rounded-full', percent > 90 ? 'bg-bad' : percent > 75 ? 'bg-warn' : 'bg-accent')}
          style={{ width: `${percent}%` }}
        />
      </span>
    </span>
  );
}

/** Cores that it may use: a count, or the size of a set (`0-3,5`). */
function coresOf(instance: InstanceFull): number {
  const limit = instance.expanded_config['limits.cpu'];
  if (!limit) return navigator.hardwareConcurrency || 1;
  if (/^\d+$/.test(limit)) return Math.max(1, Number(limit));
  return limit.split(',').reduce((sum, part) => {
    const [from, to] = part.split('-').map(Number);
    return sum + (to === undefined ? 1 : to - (from ?? 0) + 1);
  }, 0);
}

interface LiveProps {
  instance: InstanceFull;
  /** The figure alone, without its bar. */
  plain?: boolean;
}

export function CpuCell({ instance, plain }: LiveProps) {
  const usage = useUsageOf(instance.name);
  if (!usage || instance.status !== 'Running') return noFigure;
  if (plain) return <End>{formatCpu(usage.cpu)}</End>;
  return <Meter share={usage.cpu / coresOf(instance)}>{formatCpu(usage.cpu)}</Meter>;
}

export function MemoryCell({ instance, plain }: LiveProps) {
  const usage = useUsageOf(instance.name);
  if (instance.status !== 'Running' && instance.status !== 'Frozen') return noFigure;
  const bytes = usage?.memory ?? instance.state?.memory?.usage ?? 0;
  const total =
    usage?.memoryTotal ||
    parseBytes(instance.expanded_config['limits.memory'] ?? '') ||
    instance.state?.memory?.total ||
    0;
  if (plain) return <End>{formatBytes(bytes)}</End>;
  return <Meter share={total > 0 ? bytes / total : 0}>{formatBytes(bytes)}</Meter>;
}

function Texts({ texts }: { texts: readonly string[] }) {
  if (texts.length === 0) return none;
  return (
    <span className="truncate" title={texts.join('\n')}>
      {texts[0]}
      {texts.length > 1 && <span className="ml-1 text-xs text-ink-3">+{texts.length - 1}</span>}
    </span>
  );
}

function Time({ value }: { value: string }) {
  const text = formatAgo(value);
  return text ? (
    <time className="truncate" dateTime={value} title={formatDate(value)}>
      {text}
    </time>
  ) : (
    none
  );
}

const one = (text: string) => <Texts texts={text ? [text] : []} />;

/** The name is drawn by the row, with its link. */
const contents: Record<Exclude<ColumnId, 'name'>, (instance: InstanceFull) => ReactNode> = {
  status: (instance) => <StatusText status={instance.status} />,
  ipv4: (instance) => <Texts texts={addressesOf(instance, 'inet')} />,
  ipv6: (instance) => <Texts texts={addressesOf(instance, 'inet6')} />,
  cpu: (instance) => <CpuCell instance={instance} />,
  memory: (instance) => <MemoryCell instance={instance} />,
  disk: (instance) => {
    const bytes = instance.state?.disk?.root?.usage ?? -1;
    return bytes >= 0 ? <End>{formatBytes(bytes)}</End> : noFigure;
  },
  image: (instance) => one(imageOf(instance)),
  type: (instance) => (instance.type === 'container' ? 'Container' : 'Machine'),
  profiles: (instance) => <Texts texts={instance.profiles} />,
  pool: (instance) => one(poolOf(instance)),
  snapshots: (instance) => <End>{instance.snapshots?.length ?? 0}</End>,
  processes: (instance) => {
    const count = instance.state?.processes ?? 0;
    return count > 0 ? <End>{count}</End> : noFigure;
  },
  created: (instance) => <Time value={instance.created_at} />,
  used: (instance) => <Time value={instance.last_used_at} />,
  description: (instance) => one(instance.description),
};

export const Cell = memo(function Cell({ id, instance }: { id: Exclude<ColumnId, 'name'>; instance: InstanceFull }) {
  return contents[id](instance);
});
