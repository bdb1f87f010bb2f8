'use client';

import * as Radix from 'radix-ui/tooltip';
import type { ReactElement, ReactNode } from 'react';

/** A short explanation on hover and on focus. `TooltipProvider` is in the shell. */
export function Tooltip({
  text,
  children,
  side = 'bottom',
}: {
  text: ReactNode;
  children: ReactElement;
  side?: 'top' | 'right' | 'bottom' | 'left';
}) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-[70] max-w-72 animate-fade rounded-md bg-ink px-2 py-1 text-xs text-bg shadow-pop"
        >
          {text}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
export const TooltipProvider = Radix.Provider;
