'use client';

import * as Radix from 'radix-ui/tabs';
import { useEffect, useRef, type ReactNode } from 'react';

export interface Tab {
  value: string;
  label: ReactNode;
  content: ReactNode;
}

/** Only the chosen tab is mounted. Keep `value` in the URL. */
export function Tabs({
  label,
  value,
  onChange,
  tabs,
}: {
  label: string;
  value: string;
  onChange(value: string): void;
  tabs: readonly Tab[];
}) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // On a phone the row of tabs is wider than the screen; the page itself must not move.
    const active = list.current?.querySelector<HTMLElement>('[data-state=active]');
    if (list.current && active)
      list.current.scrollTo({ left: active.offsetLeft - (list.current.clientWidth - active.offsetWidth) / 2 });
  }, [value]);
  return (
    <Radix.Root value={value} onValueChange={onChange} activationMode="manual">
      <Radix.List
        ref={list}
        aria-label={label}
        className="relative -mb-px flex gap-1 overflow-x-auto border-b border-line [scrollbar-width:none]"
      >
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            className="inline-flex items-center gap-1.5 border-b-2 border-transparent px-3 py-2 text-sm font-medium whitespace-nowrap text-ink-2 hover:text-ink focus-visible:-outline-offset-2 data-[state=active]:border-accent data-[state=active]:text-ink"
          >
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.value} value={tab.value} className="pt-4 focus-visible:outline-offset-4">
          {tab.value === value && tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
