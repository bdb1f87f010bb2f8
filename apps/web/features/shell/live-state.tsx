'use client';

import type { ServerEvent } from '@stapes/contract/event';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTRPC, useTRPCClient } from '../../lib/trpc.ts';
import { useNotifications } from '../notifications/notifications.ts';
import { noticeOf } from '../operations/operation-notice.ts';
import { InstanceRefresher } from './instance-refresher.ts';
import { changesOf, withOperation } from './live-events.ts';
import { useConnection } from './providers.tsx';

const firstDelayMs = 500;
const longestDelayMs = 10_000;

/** The one subscription that keeps the cache true while the shell is open. Shows nothing. */
export function LiveState() {
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const connection = useConnection();
  const notifications = useNotifications();

  useEffect(() => {
    const refresher = new InstanceRefresher({
      fetch: async (name) => (await client.instances.getFull.query({ name })).value,
      listKey: trpc.instances.listFull.queryKey(),
      oneKey: (name) => trpc.instances.getFull.queryKey({ name }),
      queries,
    });
    const historyKey = trpc.operations.history.queryKey();
    const stale = {
      images: trpc.images.pathKey(),
      networks: trpc.networks.pathKey(),
      profiles: trpc.profiles.pathKey(),
      storage: trpc.storage.pathKey(),
      server: trpc.server.pathKey(),
    };
    const apply = (event: ServerEvent) => {
      for (const change of changesOf(event)) {
        if (change.kind === 'instance') refresher.refresh(change.name);
        else if (change.kind === 'instance-gone') refresher.remove(change.name);
        else if (change.kind === 'snapshots')
          void queries.invalidateQueries({ queryKey: trpc.snapshots.list.queryKey({ instance: change.name }) });
        else if (change.kind === 'stale') void queries.invalidateQueries({ queryKey: stale[change.area] });
        else {
          queries.setQueryData(historyKey, (records) => records && withOperation(records, change.operation));
          const notice = noticeOf(change.operation);
          if (notice) notifications.add(notice);
          if (notice?.tone === 'bad') void queries.invalidateQueries({ queryKey: historyKey });
        }
      }
    };

    let stopped = false;
    let starts = 0;
    let delayMs = firstDelayMs;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let subscription: { unsubscribe(): void } | undefined;
    const again = () => {
      if (stopped) return;
      timer = setTimeout(subscribe, delayMs);
      delayMs = Math.min(longestDelayMs, delayMs * 2);
    };
    const subscribe = () => {
      subscription = client.events.subscribe.subscribe(
        { types: ['lifecycle', 'operation'] },
        {
          onStarted: () => {
            delayMs = firstDelayMs;
            connection.opened();
            // What happened before the subscription began was not told. The first time, queries on their way are fresh enough.
            void queries.invalidateQueries({}, { cancelRefetch: starts++ > 0 });
          },
          onData: apply,
          // Events came too fast, or the session has ended: start anew with fresh state.
          onError: again,
          onComplete: again,
        },
      );
    };
    connection.want(true);
    subscribe();
    return () => {
      stopped = true;
      connection.want(false);
      clearTimeout(timer);
      subscription?.unsubscribe();
      refresher.stop();
    };
  }, [trpc, client, queries, connection, notifications]);
  return null;
}
