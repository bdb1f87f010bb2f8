'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';
import { cx } from '../../ui/cx.ts';
import { Logo } from './logo.tsx';
import { isCurrent, navigation } from './navigation.ts';

/** Whole from 1024 px, icons only from 640 px; below that the same list is in the menu of the top bar. */
export function Sidebar() {
  return (
    <div className="hidden h-full w-14 shrink-0 flex-col border-r border-line bg-surface sm:flex lg:w-52">
      <NavigationList
        compact
        brand={
          <Link href="/instances" className="flex h-12 items-center gap-2.5 px-3.5 focus-visible:-outline-offset-2">
            <Logo className="size-7 shrink-0" />
            <span className="text-lg font-semibold tracking-tight max-lg:sr-only">Stapes</span>
          </Link>
        }
      />
    </div>
  );
}

interface ListProps {
  compact?: boolean;
  brand?: ReactNode;
  onNavigate?(): void;
}

export function NavigationList({ compact, brand, onNavigate }: ListProps) {
  const pathname = usePathname();
  return (
    <nav aria-label="Main" className="flex-1 overflow-y-auto">
      {brand}
      <ul className="grid gap-0.5 p-2">
        {navigation.map((item) => {
          const current = isCurrent(item, pathname);
          return (
            <li key={item.href}>
              <Link
                href={item.href}
                prefetch={false}
                {...(compact ? { title: item.label } : {})}
                aria-current={current ? 'page' : undefined}
                onClick={() => onNavigate?.()}
                className={cx(
                  'flex h-9 items-center gap-2.5 rounded-md px-2.5 text-sm font-medium transition-colors sm:h-8 [&_svg]:size-4.5 [&_svg]:shrink-0',
                  compact && 'max-lg:justify-center max-lg:px-0',
                  current ? 'bg-accent-soft text-accent-text' : 'text-ink-2 hover:bg-hover hover:text-ink',
                )}
              >
                <item.icon aria-hidden />
                <span className={compact ? 'max-lg:sr-only' : ''}>{item.label}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
