'use client';

import { useQuery } from '@tanstack/react-query';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Card, Facts } from '../../ui/card.tsx';
import { ErrorState, Skeleton } from '../../ui/states.tsx';

const facts: readonly (readonly [string, string])[] = [
  ['server_version', 'Version'],
  ['server_name', 'Host'],
  ['os_name', 'System'],
  ['os_version', 'Release'],
  ['kernel', 'Kernel'],
  ['kernel_version', 'Kernel release'],
  ['kernel_architecture', 'Architecture'],
  ['driver', 'Driver'],
  ['driver_version', 'Driver version'],
  ['storage', 'Storage'],
  ['firewall', 'Firewall'],
];

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What the server says about itself. */
export function AboutCard() {
  const trpc = useTRPC();
  const info = useQuery(trpc.server.info.queryOptions());
  const warnings = useQuery(trpc.server.warnings.queryOptions());
  const environment = (info.data?.value.environment ?? {}) as Record<string, unknown>;
  return (
    <Card title="About this server">
      {info.isPending && <Skeleton className="h-24" />}
      {info.error && (
        <ErrorState
          title="Cannot ask the server"
          message={failureOf(info.error).message}
          onRetry={() => void info.refetch()}
        />
      )}
      {info.data && (
        <Facts
          items={facts.flatMap(([key, label]) =>
            textOf(environment[key]) ? [[label, textOf(environment[key])] as const] : [],
          )}
        />
      )}
      {warnings.data && warnings.data.length > 0 && (
        <ul aria-label="Warnings" className="mt-3 grid gap-1 text-bad">
          {warnings.data.map(({ uuid, last_message: message }) => (
            <li key={uuid} className="break-words">
              {message}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
