import type { ReactNode, TdHTMLAttributes, ThHTMLAttributes } from 'react';
import { cx } from './cx.ts';

/** A plain table in a frame that scrolls sideways on narrow screens. Lists of thousands use a virtual one (features/instances). */
export function Table({ label, head, children }: { label: string; head: ReactNode; children: ReactNode }) {
  return (
    <div
      className="relative min-w-0 overflow-x-auto rounded-lg border border-line bg-surface"
      role="region"
      aria-label={label}
      tabIndex={0}
    >
      <table className="w-full border-collapse text-sm">
        <thead className="border-b border-line bg-sunken/50 text-left text-xs text-ink-2">
          <tr>{head}</tr>
        </thead>
        <tbody className="divide-y divide-line">{children}</tbody>
      </table>
    </div>
  );
}
export function Th({ className, ...rest }: ThHTMLAttributes<HTMLTableCellElement>) {
  return <th scope="col" {...rest} className={cx('h-8 px-3 font-medium whitespace-nowrap', className)} />;
}
export function Td({ className, ...rest }: TdHTMLAttributes<HTMLTableCellElement>) {
  return <td {...rest} className={cx('h-10 px-3 py-1.5', className)} />;
}
