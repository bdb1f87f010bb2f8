'use client';

import { Check } from 'lucide-react';
import * as Radix from 'radix-ui/dropdown-menu';
import type { ReactElement, ReactNode } from 'react';
import { cx } from './cx.ts';

const item =
  'relative flex cursor-default items-center gap-2 rounded px-2 py-1.5 text-sm outline-none select-none data-highlighted:bg-hover data-disabled:text-ink-3 [&_svg]:size-4 [&_svg]:text-ink-3';

export function Menu({
  trigger,
  children,
  align = 'end',
  label,
  defaultOpen = false,
}: {
  trigger: ReactElement;
  children: ReactNode;
  align?: 'start' | 'end';
  label?: string;
  defaultOpen?: boolean;
}) {
  return (
    <Radix.Root modal={false} defaultOpen={defaultOpen}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={4}
          collisionPadding={8}
          {...(label ? { 'aria-label': label } : {})}
          className="z-[60] max-h-(--radix-dropdown-menu-content-available-height) min-w-44 max-w-80 animate-pop overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-pop"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ItemProps {
  children: ReactNode;
  onSelect?(): void;
  danger?: boolean;
  /** Why it cannot be used now; shown under the label. */
  reason?: string | null | undefined;
  shortcut?: string;
}

export function MenuItem({ children, onSelect, danger, reason, shortcut }: ItemProps) {
  return (
    <Radix.Item
      disabled={Boolean(reason)}
      onSelect={() => onSelect?.()}
      className={cx(item, danger && !reason && 'text-bad [&_svg]:text-bad!')}
    >
      <span className="flex min-w-0 flex-1 flex-col">
        <span className="flex items-center gap-2">{children}</span>
        {reason && <span className="text-xs text-ink-3">{reason}</span>}
      </span>
      {shortcut && <kbd className="text-xs text-ink-3">{shortcut}</kbd>}
    </Radix.Item>
  );
}

export function MenuCheck({
  children,
  checked,
  onChange,
}: {
  children: ReactNode;
  checked: boolean;
  onChange(checked: boolean): void;
}) {
  return (
    <Radix.CheckboxItem
      checked={checked}
      onCheckedChange={onChange}
      onSelect={(event) => event.preventDefault()}
      className={cx(item, 'pl-8')}
    >
      <Radix.ItemIndicator className="absolute left-2">
        <Check />
      </Radix.ItemIndicator>
      {children}
    </Radix.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2 pt-1.5 pb-1 text-xs font-medium text-ink-3">{children}</Radix.Label>;
}
export function MenuSeparator() {
  return <Radix.Separator className="my-1 h-px bg-line" />;
}
