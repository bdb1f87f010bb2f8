'use client';

import { useQuery } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { Suspense, useEffect, useState, type ReactNode } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { ErrorState } from '../../ui/states.tsx';
import { NoticeCards } from '../notifications/notice-cards.tsx';
import { ConnectionLine } from './connection-line.tsx';
import { LiveState } from './live-state.tsx';
import { OverlayHost } from './overlay-host.tsx';
import { Overlays, OverlaysContext } from './overlays.ts';
import { useShortcuts } from './shortcuts.ts';
import { Sidebar } from './sidebar.tsx';
import { TopBar } from './top-bar.tsx';

/** Everything around a page for somebody who has signed in. Strangers go to the sign-in page. */
export function Shell({ children }: { children: ReactNode }) {
  const trpc = useTRPC();
  const router = useRouter();
  const [overlays] = useState(() => new Overlays());
  const status = useQuery(trpc.auth.status.queryOptions());
  useShortcuts(overlays);
  const out = status.data && !status.data.signedIn;
  useEffect(() => {
    if (out) router.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }, [out, router]);
  return (
    <OverlaysContext value={overlays}>
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-[80] focus:rounded-md focus:bg-accent focus:px-3 focus:py-1.5 focus:text-accent-ink"
      >
        Skip to the content
      </a>
      <div className="flex h-dvh overflow-hidden">
        <Sidebar />
        <div className="flex min-w-0 flex-1 flex-col">
          <TopBar />
          <ConnectionLine />
          <main id="main" tabIndex={-1} className="relative min-h-0 min-w-0 flex-1 overflow-y-auto px-3 py-4 sm:px-5">
            {status.error ? (
              <ErrorState
                title="Cannot reach the server"
                message={failureOf(status.error).message}
                onRetry={() => void status.refetch()}
              />
            ) : (
              !out && <Suspense>{children}</Suspense>
            )}
          </main>
        </div>
      </div>
      {status.data?.signedIn && <LiveState />}
      <NoticeCards />
      <OverlayHost />
    </OverlaysContext>
  );
}
