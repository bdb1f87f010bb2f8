'use client';

import type { AppRouter } from '@stapes/server/trpc/router';
import { createTRPCClient, createWSClient, httpBatchLink, splitLink, wsLink, type TRPCClient } from '@trpc/client';
import { createTRPCContext } from '@trpc/tanstack-react-query';

/** `useTRPC()` makes query and mutation options, `useTRPCClient()` is the plain client. */
export const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>();
export type ApiClient = TRPCClient<AppRouter>;

export interface SocketEvents {
  onOpen(): void;
  onClose(): void;
}

/** Queries and mutations go over HTTP in batches, subscriptions over one websocket that comes back by itself. */
export function createApiClient(events: SocketEvents): ApiClient {
  const socket = () =>
    createWSClient({
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/trpc`,
      lazy: { enabled: true, closeMs: 1_000 },
      keepAlive: { enabled: true, intervalMs: 15_000, pongTimeoutMs: 5_000 },
      retryDelayMs: (attempt) => (attempt === 0 ? 0 : Math.min(5_000, 250 * 2 ** attempt)),
      onOpen: events.onOpen,
      onClose: events.onClose,
    });
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === 'subscription',
        // The pages are rendered once at build time, where there is no location.
        true: typeof window === 'undefined' ? httpBatchLink({ url: '/trpc' }) : wsLink({ client: socket() }),
        false: httpBatchLink({ url: '/trpc', maxURLLength: 8_000, maxItems: 100 }),
      }),
    ],
  });
}
