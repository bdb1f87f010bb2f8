'use client';

import { useId, type ButtonHTMLAttributes, type ReactNode, type Ref } from 'react';
import { cx } from './cx.ts';
import { Spinner } from './spinner.tsx';
import { Tooltip } from './tooltip.tsx';

export type ButtonVariant = 'primary' | 'secondary' | 'ghost' | 'danger';
export type ButtonSize = 'sm' | 'md';

const base =
  'inline-flex items-center justify-center gap-1.5 whitespace-nowrap rounded-md font-medium transition-colors select-none aria-disabled:cursor-not-allowed aria-disabled:opacity-50 disabled:cursor-not-allowed disabled:opacity-50 [&_svg]:size-4 [&_svg]:shrink-0';
const variants: Record<ButtonVariant, string> = {
  primary: 'bg-accent text-accent-ink not-aria-disabled:hover:bg-accent-hover',
  secondary: 'border border-line bg-surface text-ink shadow-[0_1px_0_rgb(0_0_0/0.03)] not-aria-disabled:hover:bg-hover',
  ghost: 'text-ink-2 not-aria-disabled:hover:bg-hover not-aria-disabled:hover:text-ink',
  danger: 'bg-bad text-bad-ink not-aria-disabled:hover:bg-bad-hover',
};
const sizes: Record<ButtonSize, string> = { sm: 'h-7 px-2 text-xs', md: 'h-8 px-3 text-sm' };

/** Classes of a button, for links that look like one. */
export function buttonClass(variant: ButtonVariant = 'secondary', size: ButtonSize = 'md', className?: string): string {
  return cx(base, variants[variant], sizes[size], className);
}

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: ButtonVariant;
  size?: ButtonSize;
  /** Shows a spinner and takes no clicks. */
  pending?: boolean | undefined;
  /** Why it cannot be used now. The button stays focusable, so that everybody can read it. */
  reason?: string | null | undefined;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({
  variant = 'secondary',
  size = 'md',
  pending,
  reason,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  const reasonId = useId();
  const off = Boolean(reason) || pending;
  const button = (
    <button
      type="button"
      {...rest}
      aria-disabled={off || undefined}
      aria-describedby={reason ? reasonId : rest['aria-describedby']}
      onClick={off ? (event) => event.preventDefault() : onClick}
      className={buttonClass(variant, size, className)}
    >
      {pending && <Spinner />}
      {children}
      {reason && (
        <span id={reasonId} hidden>
          {reason}
        </span>
      )}
    </button>
  );
  return reason ? <Tooltip text={reason}>{button}</Tooltip> : button;
}

/** A square button with an icon; the label is its name and its tooltip. */
export function IconButton({
  label,
  size = 'md',
  variant = 'ghost',
  reason,
  children,
  className,
  ...rest
}: Omit<ButtonProps, 'aria-label'> & { label: string; children: ReactNode }) {
  const button = (
    <Button
      {...rest}
      variant={variant}
      size={size}
      reason={undefined}
      pending={rest.pending}
      aria-label={label}
      aria-disabled={reason ? true : undefined}
      className={cx(size === 'sm' ? 'w-7 px-0!' : 'w-8 px-0!', className)}
    >
      {children}
    </Button>
  );
  if (reason) {
    return (
      <Button
        {...rest}
        variant={variant}
        size={size}
        reason={`${label}: ${reason}`}
        aria-label={label}
        className={cx(size === 'sm' ? 'w-7 px-0!' : 'w-8 px-0!', className)}
      >
        {children}
      </Button>
    );
  }
  return <Tooltip text={label}>{button}</Tooltip>;
}
