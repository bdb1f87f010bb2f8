'use client';

import type { Network } from '@stapes/contract/network';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useRouter, useSearchParams } from 'next/navigation';
import { useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card, Facts } from '../../ui/card.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, Skeleton } from '../../ui/states.tsx';
import { Table, Td, Th } from '../../ui/table.tsx';
import { UsedBy } from '../storage/used-by.tsx';
import { ObjectConfigForm } from '../storage/object-config-form.tsx';

export function NetworkPage() {
  const name = useSearchParams().get('name') ?? '';
  const trpc = useTRPC();
  const queries = useQueryClient();
  const network = useQuery(trpc.networks.get.queryOptions({ name }, { enabled: name !== '' }));
  const put = useMutation(
    trpc.networks.put.mutationOptions({
      onSuccess: () => queries.invalidateQueries({ queryKey: trpc.networks.pathKey() }),
    }),
  );
  if (network.isError) {
    return (
      <>
        <PageHeader title={name} />
        <ErrorState
          title="The network could not be loaded"
          message={failureOf(network.error).message}
          onRetry={() => void network.refetch()}
        />
      </>
    );
  }
  const value = network.data?.value;
  if (!value) {
    return (
      <>
        <PageHeader title={name} />
        <Skeleton className="h-72 w-full" />
      </>
    );
  }
  return (
    <>
      <PageHeader
        title={value.name}
        description={value.description}
        meta={
          <Badge tone={value.managed ? 'accent' : 'neutral'}>{value.managed ? 'managed bridge' : value.type}</Badge>
        }
        actions={value.managed ? <DeleteNetwork network={value} /> : null}
      />
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
        <div className="grid grid-cols-1 content-start gap-4">
          <State name={name} />
          <Card title="Used by">
            <UsedBy urls={value.used_by} empty="No instance or profile uses it." />
          </Card>
        </div>
        {value.managed && <Leases name={name} />}
      </div>
      {value.managed && (
        <div className="mt-4">
          <ObjectConfigForm
            key={network.data?.etag}
            scope="network-bridge"
            description={value.description}
            config={value.config}
            save={(request) => put.mutate({ name, request, etag: network.data?.etag })}
            pending={put.isPending}
            saved={put.isSuccess}
            error={put.isError ? failureOf(put.error) : null}
          />
        </div>
      )}
    </>
  );
}

function State({ name }: { name: string }) {
  const trpc = useTRPC();
  const state = useQuery(trpc.networks.state.queryOptions({ name }, { staleTime: 0 }));
  if (state.isPending) return <Skeleton className="h-48 w-full" />;
  if (state.isError)
    return (
      <ErrorState
        title="Its state could not be read"
        message={failureOf(state.error).message}
        onRetry={() => void state.refetch()}
      />
    );
  const { addresses, counters, hwaddr, mtu } = state.data;
  return (
    <Card title="State">
      <Facts
        items={[
          [
            'Link',
            <Badge key="link" tone={state.data.state === 'up' ? 'ok' : 'neutral'}>
              {state.data.state}
            </Badge>,
          ],
          [
            'MAC',
            <code key="mac" className="font-mono text-xs">
              {hwaddr}
            </code>,
          ],
          ['MTU', mtu],
          [
            'Addresses',
            addresses.length === 0
              ? '–'
              : addresses.map((one) => (
                  <code key={one.address} className="block font-mono text-xs">{`${one.address}/${one.netmask}`}</code>
                )),
          ],
          ['Received', formatBytes(counters.bytes_received)],
          ['Sent', formatBytes(counters.bytes_sent)],
        ]}
      />
    </Card>
  );
}

function Leases({ name }: { name: string }) {
  const trpc = useTRPC();
  const leases = useQuery(trpc.networks.leases.queryOptions({ name }, { staleTime: 0 }));
  return (
    <Card
      title="Leases"
      actions={
        <Button size="sm" onClick={() => void leases.refetch()} pending={leases.isFetching}>
          Refresh
        </Button>
      }
    >
      {leases.isPending && <Skeleton className="h-32 w-full" />}
      {leases.isError && <ErrorState title="The leases could not be read" message={failureOf(leases.error).message} />}
      {leases.isSuccess && leases.data.length === 0 && (
        <p className="text-sm text-ink-2">No instance has asked for an address yet.</p>
      )}
      {leases.isSuccess && leases.data.length > 0 && (
        <Table
          label={`Leases of ${name}`}
          head={
            <>
              <Th>Host name</Th>
              <Th>Address</Th>
              <Th>MAC</Th>
              <Th>Type</Th>
            </>
          }
        >
          {leases.data.map((lease) => (
            <tr key={`${lease.hwaddr} ${lease.address}`}>
              <Td>{lease.hostname}</Td>
              <Td className="font-mono text-xs">{lease.address}</Td>
              <Td className="font-mono text-xs">{lease.hwaddr || '–'}</Td>
              <Td>{lease.type}</Td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function DeleteNetwork({ network }: { network: Network }) {
  const trpc = useTRPC();
  const router = useRouter();
  const queries = useQueryClient();
  const [isOpen, setIsOpen] = useState(false);
  const remove = useMutation(
    trpc.networks.remove.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries({ queryKey: trpc.networks.list.queryKey() });
        router.push('/networks');
      },
    }),
  );
  return (
    <>
      <Button onClick={() => setIsOpen(true)} reason={network.used_by.length > 0 ? 'It is in use' : null}>
        <Trash2 aria-hidden /> Delete
      </Button>
      <ConfirmDialog
        open={isOpen}
        onOpenChange={setIsOpen}
        title={`Delete network ${network.name}?`}
        action="Delete network"
        danger
        pending={remove.isPending}
        error={remove.isError ? failureOf(remove.error).message : null}
        onConfirm={() => remove.mutate({ name: network.name })}
      >
        The bridge, its leases and its firewall rules are removed.
      </ConfirmDialog>
    </>
  );
}
