'use client';

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { createApiClient, TRPCProvider } from '../../lib/trpc.ts';
import { Notifications, NotificationsContext } from '../notifications/notifications.ts';
import { Connection } from './connection.ts';
import { leaveWhenSignedOut } from './session.ts';
import { watchTheme } from './theme.ts';

function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: leaveWhenSignedOut }),
    mutationCache: new MutationCache({ onError: leaveWhenSignedOut }),
    defaultOptions: {
      // The server pushes what changes; a lost connection refetches when it is back (live-state.tsx).
      queries: {
        staleTime: Infinity,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: 'always',
        retry: (count, error) => failureOf(error).code === 'offline' && count < 4,
        retryDelay: (attempt) => Math.min(4_000, 400 * 2 ** attempt),
      },
      mutations: { networkMode: 'always' },
    },
  });
}

const ConnectionContext = createContext<Connection | null>(null);
export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error('useConnection needs the providers around it');
  return connection;
}

function createParts() {
  const connection = new Connection();
  const client = createApiClient({ onOpen: () => connection.opened(), onClose: () => connection.closed() });
  return { connection, client, queries: createQueryClient(), notifications: new Notifications() };
}

export function Providers({ children }: { children: ReactNode }) {
  const [parts] = useState(createParts);
  useEffect(() => {
    parts.notifications.restore();
    return watchTheme();
  }, [parts]);
  return (
    <QueryClientProvider client={parts.queries}>
      <TRPCProvider trpcClient={parts.client} queryClient={parts.queries}>
        <ConnectionContext value={parts.connection}>
          <NotificationsContext value={parts.notifications}>{children}</NotificationsContext>
        </ConnectionContext>
      </TRPCProvider>
    </QueryClientProvider>
  );
}
