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

const arrow =
  "appearance-none bg-no-repeat pr-8 bg-[right_0.6rem_center] bg-[length:0.75rem] bg-[url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 12 12' fill='none' stroke='%23808b93' stroke-width='1.6' stroke-linecap='round' stroke-linejoin='round'%3E%3Cpath d='M2.5 4.5 6 8l3.5-3.5'/%3E%3C/svg%3E\")]";

/** The browser's own select: works with every keyboard, screen reader and phone. */
export function Select({
  className,
  ...rest
}: SelectHTMLAttributes<HTMLSelectElement> & { ref?: Ref<HTMLSelectElement> }) {
  return <select {...rest} className={cx(control, arrow, 'h-8 pl-2.5', className)} />;
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
