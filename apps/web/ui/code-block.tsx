'use client';

import { CopyButton } from './copy-button.tsx';
import { cx } from './cx.ts';

/** Text for machines, with a copy button. */
export function CodeBlock({
  text,
  label,
  className,
  wrap = true,
}: {
  text: string;
  label: string;
  className?: string;
  wrap?: boolean;
}) {
  return (
    <figure className={cx('overflow-hidden rounded-md border border-line bg-sunken/60', className)}>
      <figcaption className="flex items-center justify-between gap-2 border-b border-line py-0.5 pr-1 pl-3 text-xs font-medium text-ink-2">
        {label}
        <CopyButton text={text} label={`Copy ${label}`} />
      </figcaption>
      <pre
        tabIndex={0}
        aria-label={label}
        className={cx(
          'max-h-80 overflow-auto px-3 py-2 font-mono text-xs leading-5 focus-visible:-outline-offset-2',
          wrap && 'break-words whitespace-pre-wrap',
        )}
      >
        {text}
      </pre>
    </figure>
  );
}
