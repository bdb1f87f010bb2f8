'use client';

import type { InputHTMLAttributes, Ref, SelectHTMLAttributes, TextareaHTMLAttributes } from 'react';
import { cx } from './cx.ts';

const control =
  'w-full min-w-0 rounded-md border border-line-strong/70 bg-surface text-sm text-ink placeholder:text-ink-3 transition-colors hover:border-line-strong focus-visible:border-accent focus-visible:outline-1 focus-visible:outline-offset-0 disabled:bg-sunken disabled:text-ink-3 aria-invalid:border-bad aria-invalid:outline-bad';

export function Input({ className, ...rest }: InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) {
  return <input autoComplete="off" spellCheck={false} {...rest} className={cx(control, 'h-8 px-2.5', className)} />;
}

export function Textarea({
  className,
  ...rest
}: TextareaHTMLAttributes<HTMLTextAreaElement> & { ref?: Ref<HTMLTextAreaElement> }) {
  return (
    <textarea
      spellCheck={false}
      rows={5}
      {...rest}
      className={cx(control, 'px-2.5 py-1.5 font-mono leading-5', className)}
    />
  );
}

/** The browser's own select: works with every keyboard, screen reader and phone. */
export function Select({
  className,
  ...rest
}: SelectHTMLAttributes<HTMLSelectElement> & { ref?: Ref<HTMLSelectElement> }) {
  return <select {...rest} className={cx(control, 'select-arrow h-8 truncate pl-2.5', className)} />;
}

export function Checkbox({
  className,
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) {
  return (
    <input
      type="checkbox"
      {...rest}
      className={cx('size-4 shrink-0 cursor-pointer rounded accent-(--accent) disabled:cursor-not-allowed', className)}
    />
  );
}
