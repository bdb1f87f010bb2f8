'use client';

import { useQuery } from '@tanstack/react-query';
import dynamic from 'next/dynamic';
import { useRouter, useSearchParams } from 'next/navigation';
import { failureOf } from '../../lib/errors.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { ErrorState, Skeleton } from '../../ui/states.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { InstanceActions } from './instance-actions.tsx';
import { StatusText } from '../instances/status.tsx';
import { OverviewTab } from './overview-tab.tsx';

const loading = () => <Skeleton className="h-96 w-full" />;
const TerminalTab = dynamic(
  () => import('../terminals/terminal-workspace.tsx').then((module) => module.TerminalWorkspace),
  { ssr: false, loading },
);
const ConsoleTab = dynamic(() => import('./console-tab.tsx').then((module) => module.ConsoleTab), {
  ssr: false,
  loading,
});
const SnapshotsTab = dynamic(() => import('./snapshots-tab.tsx').then((module) => module.SnapshotsTab), {
  ssr: false,
  loading,
});
const ConfigurationTab = dynamic(() => import('./configuration-tab.tsx').then((module) => module.ConfigurationTab), {
  ssr: false,
  loading,
});
const LogsTab = dynamic(() => import('./logs-tab.tsx').then((module) => module.LogsTab), { ssr: false, loading });

const tabNames = ['overview', 'terminal', 'console', 'snapshots', 'configuration', 'logs'] as const;

/** One instance; the name and the tab are in the URL. */
export function InstancePage() {
  const params = useSearchParams();
  const router = useRouter();
  const trpc = useTRPC();
  const name = params.get('name') ?? '';
  const wanted = params.get('tab') ?? 'overview';
  const tab = (tabNames as readonly string[]).includes(wanted) ? wanted : 'overview';
  const query = useQuery(trpc.instances.getFull.queryOptions({ name }, { enabled: name !== '' }));

  if (query.isError) {
    const failure = failureOf(query.error);
    return (
      <>
        <PageHeader title={name || 'Instance'} />
        <ErrorState
          title={failure.code === 'not-found' ? `There is no instance "${name}"` : 'The instance could not be loaded'}
          message={failure.message}
          onRetry={() => void query.refetch()}
        />
      </>
    );
  }
  const instance = query.data?.value;
  if (!instance) {
    return (
      <div aria-busy="true">
        <PageHeader title={name} meta={<Skeleton className="h-5 w-16" />} />
        <Skeleton className="mb-4 h-9 w-full" />
        <Skeleton className="h-72 w-full" />
      </div>
    );
  }
  const choose = (value: string) =>
    router.replace(`/instance?name=${encodeURIComponent(name)}&tab=${value}`, { scroll: false });
  return (
    <>
      <PageHeader
        title={instance.name}
        meta={<StatusText status={instance.status} />}
        description={instance.description || describe(instance.config)}
        actions={<InstanceActions instance={instance} />}
      />
      <Tabs
        label={`Views of ${instance.name}`}
        value={tab}
        onChange={choose}
        tabs={[
          { value: 'overview', label: 'Overview', content: <OverviewTab instance={instance} /> },
          {
            value: 'terminal',
            label: 'Terminal',
            content: <TerminalTab instance={instance.name} status={instance.status} />,
          },
          { value: 'console', label: 'Console log', content: <ConsoleTab name={instance.name} /> },
          {
            value: 'snapshots',
            label: `Snapshots${instance.snapshots.length > 0 ? ` (${instance.snapshots.length})` : ''}`,
            content: <SnapshotsTab instance={instance} />,
          },
          {
            value: 'configuration',
            label: 'Configuration',
            content: <ConfigurationTab instance={instance} etag={query.data?.etag ?? ''} />,
          },
          { value: 'logs', label: 'Logs', content: <LogsTab name={instance.name} /> },
        ]}
      />
    </>
  );
}

function describe(config: Record<string, string>): string {
  return config['image.description'] ?? [config['image.os'], config['image.release']].filter(Boolean).join(' ');
}
