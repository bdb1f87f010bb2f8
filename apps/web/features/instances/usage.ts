'use client';

import type { AppRouter } from '@stapes/server/trpc/router';
import type { inferRouterOutputs } from '@trpc/server';
import { createContext, useContext, useEffect, useState } from 'react';
import { Store, useStore } from '../../lib/store.ts';
import { useTRPCClient } from '../../lib/trpc.ts';

export type UsagePoint = inferRouterOutputs<AppRouter>['instances']['usageHistory'][number];
export type Usage = Readonly<Record<string, UsagePoint>>;

/** The latest reading of each running instance, outside the query cache: a batch every 2 s draws the visible cells only. */
export function useUsageStream(): Store<Usage> {
  const client = useTRPCClient();
  const [store] = useState(() => new Store<Usage>({}));
  useEffect(() => {
    const subscription = client.instances.usageStream.subscribe(undefined, { onData: (batch) => store.set(batch) });
    return () => subscription.unsubscribe();
  }, [client, store]);
  return store;
}

export const UsageContext = createContext<Store<Usage> | null>(null);
const empty = new Store<Usage>({});
export function useUsageOf(name: string): UsagePoint | undefined {
  return useStore(useContext(UsageContext) ?? empty, (usage) => usage[name]);
}
