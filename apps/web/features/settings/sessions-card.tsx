'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { failureOf } from '../../lib/errors.ts';
import { formatAgo, formatDate } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ErrorState, Skeleton } from '../../ui/states.tsx';
import { Table, Td, Th } from '../../ui/table.tsx';
import { useNotifications } from '../notifications/notifications.ts';
import { browserName } from '../auth/browser-name.ts';

/** Where this account is signed in. */
export function SessionsCard() {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const notifications = useNotifications();
  const sessions = useQuery(trpc.auth.sessions.queryOptions());
  const revoke = useMutation(
    trpc.auth.revokeSession.mutationOptions({
      onSettled: () => queries.invalidateQueries({ queryKey: trpc.auth.sessions.queryKey() }),
      onError: (error) =>
        notifications.add({ tone: 'bad', title: 'Could not sign the session out', body: failureOf(error).message }),
    }),
  );
  return (
    <section>
      <h2 className="mb-2 text-base font-semibold">Sessions</h2>
      {sessions.error && (
        <ErrorState
          title="Cannot load the sessions"
          message={failureOf(sessions.error).message}
          onRetry={() => void sessions.refetch()}
        />
      )}
      {sessions.isPending && <Skeleton className="h-20" />}
      {sessions.data && (
        <Table
          label="Sessions"
          head={
            <>
              <Th>Browser</Th>
              <Th>Address</Th>
              <Th>Signed in</Th>
              <Th>Last seen</Th>
              <Th>
                <span className="sr-only">Actions</span>
              </Th>
            </>
          }
        >
          {sessions.data.map((session) => (
            <tr key={session.id}>
              <Td title={session.userAgent}>
                {browserName(session.userAgent)} {session.current && <Badge tone="ok">This one</Badge>}
              </Td>
              <Td className="tabular">{session.address}</Td>
              <Td>{formatDate(new Date(session.createdAtMs).toISOString())}</Td>
              <Td>{formatAgo(new Date(session.lastSeenAtMs).toISOString())}</Td>
              <Td className="text-right">
                <Button
                  size="sm"
                  pending={revoke.isPending && revoke.variables.id === session.id}
                  reason={session.current ? 'Use “Sign out” in the account menu' : null}
                  onClick={() => revoke.mutate({ id: session.id })}
                  aria-label={`Sign out ${browserName(session.userAgent)} at ${session.address}`}
                >
                  Sign out
                </Button>
              </Td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
