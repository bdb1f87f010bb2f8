'use client';

import { useRouter } from 'next/navigation';
import { useEffect } from 'react';
import { navigation } from './navigation.ts';
import type { Overlays } from './overlays.ts';

/** For the help sheet. */
export const shortcuts: readonly { group: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    group: 'Everywhere',
    keys: [
      ['Ctrl K', 'Command palette'],
      ['C', 'Create an instance'],
      ['?', 'This help'],
      ['Esc', 'Close what lies on top'],
    ],
  },
  { group: 'Go to', keys: navigation.map((item) => [`G ${item.key.toUpperCase()}`, item.label] as const) },
  {
    group: 'Instances list',
    keys: [
      ['/', 'Search'],
      ['↑ ↓', 'Move'],
      ['Home End', 'First, last'],
      ['Space', 'Select'],
      ['Shift ↑ ↓', 'Extend the selection'],
      ['Ctrl A', 'Select all that are shown'],
      ['Enter', 'Open'],
      ['Esc', 'Clear the selection'],
    ],
  },
];

/** True where single keys are text: fields, and the terminal. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input:not([type=checkbox]),textarea,select,.xterm') !== null)
  );
}

export function useShortcuts(overlays: Overlays): void {
  const router = useRouter();
  useEffect(() => {
    let goUntilMs = 0;
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k') {
        if (event.target instanceof HTMLElement && event.target.closest('.xterm')) return;
        event.preventDefault();
        overlays.show(overlays.open.get() === 'palette' ? null : 'palette');
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      if (document.querySelector('[role=dialog],[role=menu]')) return;
      if (goUntilMs > Date.now()) {
        goUntilMs = 0;
        const item = navigation.find((one) => one.key === event.key);
        if (item) {
          event.preventDefault();
          router.push(item.href);
        }
      } else if (event.key === 'g') goUntilMs = Date.now() + 1_200;
      else if (event.key === '?') overlays.show('help');
      else if (event.key === 'c') {
        event.preventDefault();
        overlays.create();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [overlays, router]);
}
