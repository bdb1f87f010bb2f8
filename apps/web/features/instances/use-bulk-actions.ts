'use client';

import { useMutation } from '@tanstack/react-query';
import { failureOf } from '../../lib/errors.ts';
import { plural } from '../../lib/format.ts';
import { useTRPCClient } from '../../lib/trpc.ts';
import { useNotifications } from '../notifications/notifications.ts';
import type { BulkVerb } from './bulk.ts';

/** Starts operations for many instances; how each ends is told by its operation. */
export function useBulkActions() {
  const client = useTRPCClient();
  const notifications = useNotifications();
  const run = useMutation({
    mutationFn: async ({ verb, names, force }: { verb: BulkVerb; names: string[]; force?: boolean }) => {
      if (verb !== 'delete') {
        await client.instances.bulkState.mutate({ names, request: { action: verb, ...(force ? { force } : {}) } });
        return;
      }
      const results = await Promise.allSettled(names.map((name) => client.instances.remove.mutate({ name })));
      const failed = results.flatMap((result, index) =>
        result.status === 'rejected' ? [`${names[index]}: ${failureOf(result.reason).message}`] : [],
      );
      if (failed.length > 0)
        notifications.add({
          tone: 'bad',
          title: `Could not delete ${plural(failed.length, 'instance')}`,
          body: failed.join('\n'),
        });
    },
    onError: (error, { verb, names }) => {
      const what = names.length === 1 ? names[0] : plural(names.length, 'instance');
      notifications.add({ tone: 'bad', title: `Could not ${verb} ${what}`, body: failureOf(error).message });
    },
  });
  return run;
}
