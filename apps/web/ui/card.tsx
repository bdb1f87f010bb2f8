import type { ReactNode } from 'react';
import { cx } from './cx.ts';

/** A titled group on a page. */
export function Card({
  title,
  actions,
  children,
  className,
  id,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  id?: string;
}) {
  return (
    <section id={id} className={cx('rounded-lg border border-line bg-surface', className)}>
      {title && (
        <header className="flex min-h-11 items-center justify-between gap-2 border-b border-line px-4 py-1.5">
          <h2 className="text-base font-semibold">{title}</h2>
          {actions}
        </header>
      )}
      <div className="p-4">{children}</div>
    </section>
  );
}

/** Names and values in two columns. */
export function Facts({ items }: { items: readonly (readonly [ReactNode, ReactNode])[] }) {
  return (
    <dl className="grid gap-x-4 gap-y-2 text-sm sm:grid-cols-[minmax(7rem,auto)_1fr]">
      {items.map(([name, value], index) => (
        <div key={index} className="grid gap-x-4 sm:col-span-2 sm:grid-cols-subgrid">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
