'use client';

import { X } from 'lucide-react';
import * as Radix from 'radix-ui/dialog';
import type { ReactNode } from 'react';
import { IconButton } from './button.tsx';
import { cx } from './cx.ts';

interface DialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons at the bottom, the main one last. */
  footer?: ReactNode;
  size?: 'sm' | 'md' | 'lg' | 'xl';
  /** `sheet` slides in from the right and fills the height. */
  kind?: 'dialog' | 'sheet';
  /** Nothing inside takes the focus: the body itself does, so that the keyboard can scroll it. */
  reading?: boolean;
  /** Element that gets the focus; otherwise the first control. */
  onOpenAutoFocus?(event: Event): void;
}

const widths = { sm: 'max-w-sm', md: 'max-w-lg', lg: 'max-w-2xl', xl: 'max-w-4xl' };

export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  footer,
  size = 'md',
  kind = 'dialog',
  reading = false,
  onOpenAutoFocus,
}: DialogProps) {
  const shape =
    kind === 'sheet'
      ? 'inset-y-0 right-0 w-full border-l animate-slide'
      : 'left-1/2 top-[8vh] w-[calc(100vw-1.5rem)] max-h-[84vh] -translate-x-1/2 rounded-lg border animate-pop';
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 animate-fade bg-scrim" />
        <Radix.Content
          {...(description ? {} : { 'aria-describedby': undefined })}
          {...(onOpenAutoFocus ? { onOpenAutoFocus } : {})}
          className={cx(
            'fixed z-50 flex flex-col border-line bg-raised shadow-pop focus:outline-none',
            shape,
            widths[size],
          )}
        >
          <header className="flex items-start gap-3 border-b border-line px-4 py-3">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
              {description && <Radix.Description className="text-sm text-ink-2">{description}</Radix.Description>}
            </div>
            <Radix.Close asChild>
              <IconButton label="Close" size="sm">
                <X />
              </IconButton>
            </Radix.Close>
          </header>
          {children && (
            <div {...(reading ? { tabIndex: 0 } : {})} className="min-h-0 flex-1 overflow-y-auto px-4 py-4">
              {children}
            </div>
          )}
          {footer && (
            <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">{footer}</footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
