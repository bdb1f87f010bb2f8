'use client';

import type { InstanceFull } from '@stapes/contract/instance';
import { useQuery } from '@tanstack/react-query';
import { useSubscription } from '@trpc/tanstack-react-query';
import { useState } from 'react';
import { formatAgo, formatBytes, formatCpu, formatDate } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Card, Facts } from '../../ui/card.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Skeleton } from '../../ui/states.tsx';
import { UsageChart } from './usage-chart.tsx';

/** What it is, where it can be reached, what it uses. */
export function OverviewTab({ instance }: { instance: InstanceFull }) {
  return (
    <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
      <div className="grid grid-cols-1 content-start gap-4">
        <Card title="Addresses">
          <Addresses instance={instance} />
        </Card>
        <Card title="Limits">
          <Limits instance={instance} />
        </Card>
        <Card title="About">
          <Facts items={about(instance)} />
        </Card>
      </div>
      <Usage instance={instance} />
    </div>
  );
}

function Addresses({ instance }: { instance: InstanceFull }) {
  const rows = Object.entries(instance.state.network)
    .filter(([name]) => name !== 'lo')
    .flatMap(([name, nic]) =>
      nic.addresses
        .filter((address) => address.scope !== 'link')
        .map((address) => ({ name, address: address.address, mask: address.netmask })),
    );
  if (instance.status !== 'Running' && instance.status !== 'Frozen')
    return <p className="text-sm text-ink-2">It has addresses while it runs.</p>;
  if (rows.length === 0) return <p className="text-sm text-ink-2">No address yet.</p>;
  return (
    <ul className="grid grid-cols-1 gap-1">
      {rows.map((row) => (
        <li key={`${row.name} ${row.address}`} className="flex items-center gap-2 text-sm">
          <span className="w-14 shrink-0 text-ink-3">{row.name}</span>
          <code className="min-w-0 truncate font-mono">
            {row.address}/{row.mask}
          </code>
          <CopyButton text={row.address} label={`Copy ${row.address}`} />
        </li>
      ))}
    </ul>
  );
}

function Limits({ instance }: { instance: InstanceFull }) {
  const config = instance.expanded_config;
  const root = Object.values(instance.expanded_devices).find((device) => device.type === 'disk' && device.path === '/');
  const { memory, disk } = instance.state;
  const rootUsage = Object.values(disk)[0];
  return (
    <Facts
      items={[
        [
          'CPU',
          config['limits.cpu']
            ? `${config['limits.cpu']}${config['limits.cpu.allowance'] ? `, ${config['limits.cpu.allowance']}` : ''}`
            : (config['limits.cpu.allowance'] ?? 'No limit'),
        ],
        ['Memory', config['limits.memory'] ?? 'No limit'],
        [
          'Memory used',
          memory.usage > 0
            ? `${formatBytes(memory.usage)}${memory.usage_peak > 0 ? `, peak ${formatBytes(memory.usage_peak)}` : ''}`
            : '–',
        ],
        [
          'Processes',
          `${instance.state.processes > 0 ? instance.state.processes : '–'}${config['limits.processes'] ? ` of ${config['limits.processes']}` : ''}`,
        ],
        [
          'Disk',
          `${rootUsage && rootUsage.usage > 0 ? formatBytes(rootUsage.usage) : '–'}${root?.size ? ` of ${root.size}` : ''}`,
        ],
      ]}
    />
  );
}

function about(instance: InstanceFull): [string, React.ReactNode][] {
  const image = [instance.config['image.os'], instance.config['image.release']].filter(Boolean).join(' ');
  const isPrivileged = instance.expanded_config['security.privileged'] === 'true';
  return [
    ['Type', instance.type === 'container' ? 'System container' : 'Virtual machine'],
    ['Image', image || '–'],
    [
      'Security',
      <span key="security" className="flex flex-wrap gap-1">
        <Badge tone={isPrivileged ? 'warn' : 'ok'}>{isPrivileged ? 'Privileged' : 'Unprivileged'}</Badge>
        {instance.expanded_config['security.idmap.isolated'] === 'true' && <Badge tone="ok">Own id range</Badge>}
        {instance.expanded_config['security.nesting'] === 'true' && <Badge tone="warn">Nesting</Badge>}
      </span>,
    ],
    ['Profiles', instance.profiles.join(', ') || 'None'],
    ['Architecture', instance.architecture],
    [
      'Created',
      <time key="created" dateTime={instance.created_at}>
        {formatDate(instance.created_at)}
      </time>,
    ],
    ['Started', instance.state.pid > 0 ? formatAgo(instance.state.started_at) || '–' : 'Not running'],
    ['Process id', instance.state.pid > 0 ? instance.state.pid : '–'],
  ];
}

function Usage({ instance }: { instance: InstanceFull }) {
  const trpc = useTRPC();
  const history = useQuery(
    trpc.instances.usageHistory.queryOptions({ name: instance.name }, { staleTime: 0, gcTime: 0 }),
  );
  const [live, setLive] = useState<NonNullable<typeof history.data>>([]);
  useSubscription(
    trpc.instances.usageStream.subscriptionOptions(undefined, {
      enabled: instance.status === 'Running',
      onData: (batch) => {
        const point = batch[instance.name];
        if (point) setLive((points) => [...points.slice(-1_799), point]);
      },
    }),
  );
  if (history.isPending) return <Skeleton className="h-128 w-full" />;
  const lastKept = history.data?.at(-1)?.t ?? 0;
  const points = [...(history.data ?? []), ...live.filter((point) => point.t > lastKept)];
  const times = points.map((point) => point.t);
  const limit = points.at(-1)?.memoryTotal;
  if (points.length === 0) {
    return (
      <Card title="Usage">
        <p className="text-sm text-ink-2">
          {instance.status === 'Running'
            ? 'The first readings come within seconds.'
            : 'Graphs of the last hour are here while it runs.'}
        </p>
      </Card>
    );
  }
  return (
    <div className="grid grid-cols-1 content-start gap-4">
      <UsageChart
        title="CPU"
        times={times}
        format={formatCpu}
        series={[{ label: 'CPU', color: 'var(--chart-1)', values: points.map((point) => point.cpu) }]}
      />
      <UsageChart
        title="Memory"
        times={times}
        format={formatBytes}
        {...(instance.expanded_config['limits.memory'] && limit ? { max: limit } : {})}
        series={[{ label: 'Memory', color: 'var(--chart-1)', values: points.map((point) => point.memory) }]}
      />
      <UsageChart
        title="Network"
        times={times}
        format={(value) => `${formatBytes(value)}/s`}
        series={[
          { label: 'in', color: 'var(--chart-1)', values: points.map((point) => point.rx) },
          { label: 'out', color: 'var(--chart-2)', values: points.map((point) => point.tx) },
        ]}
      />
    </div>
  );
}
