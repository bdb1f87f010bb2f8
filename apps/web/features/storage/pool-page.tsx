'use client';

import type { StoragePool } from '@stapes/contract/storage';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useRouter, useSearchParams } from 'next/navigation';
import { useState } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { formatBytes, formatDate } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { cx } from '../../ui/cx.ts';
import { ErrorState, Progress, Skeleton } from '../../ui/states.tsx';
import { Table, Td, Th } from '../../ui/table.tsx';
import { ObjectConfigForm } from './object-config-form.tsx';
import { UsedBy } from './used-by.tsx';

export function PoolPage() {
  const name = useSearchParams().get('name') ?? '';
  const trpc = useTRPC();
  const queries = useQueryClient();
  const pool = useQuery(trpc.storage.get.queryOptions({ name }, { enabled: name !== '' }));
  const put = useMutation(
    trpc.storage.put.mutationOptions({
      onSuccess: () => queries.invalidateQueries({ queryKey: trpc.storage.pathKey() }),
    }),
  );
  if (pool.isError) {
    return (
      <>
        <PageHeader title={name} />
        <ErrorState
          title="The pool could not be loaded"
          message={failureOf(pool.error).message}
          onRetry={() => void pool.refetch()}
        />
      </>
    );
  }
  const value = pool.data?.value;
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
          <>
            <Badge>{value.driver}</Badge>
            <Badge tone={value.status === 'Created' ? 'ok' : 'bad'}>{value.status}</Badge>
          </>
        }
        actions={<DeletePool pool={value} />}
      />
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
        <Space name={name} />
        <Card title="Used by">
          <UsedBy urls={value.used_by} empty="Nothing uses it." />
        </Card>
      </div>
      <div className="mt-4 grid gap-4">
        <Volumes name={name} />
        <ObjectConfigForm
          key={pool.data?.etag}
          scope={value.driver === 'btrfs' ? 'storage-btrfs' : 'storage-dir'}
          description={value.description}
          config={value.config}
          save={(request) => put.mutate({ name, request, etag: pool.data?.etag })}
          pending={put.isPending}
          saved={put.isSuccess}
          error={put.isError ? failureOf(put.error) : null}
        />
      </div>
    </>
  );
}

function Space({ name }: { name: string }) {
  const trpc = useTRPC();
  const usage = useQuery(trpc.storage.resources.queryOptions({ name }, { staleTime: 0 }));
  if (usage.isPending) return <Skeleton className="h-32 w-full" />;
  if (usage.isError)
    return (
      <ErrorState
        title="Its usage could not be read"
        message={failureOf(usage.error).message}
        onRetry={() => void usage.refetch()}
      />
    );
  const { space } = usage.data;
  return (
    <Card title="Space">
      <p className="mb-2 text-sm">
        <strong className="tabular text-lg">{formatBytes(space.used)}</strong> of {formatBytes(space.total)} used
      </p>
      <Progress value={space.total > 0 ? space.used / space.total : 0} label={`Usage of ${name}`} />
    </Card>
  );
}

function Volumes({ name }: { name: string }) {
  const trpc = useTRPC();
  const volumes = useQuery(trpc.storage.volumes.queryOptions({ name }));
  if (volumes.isPending) return <Skeleton className="h-32 w-full" />;
  if (volumes.isError)
    return (
      <ErrorState
        title="The volumes could not be listed"
        message={failureOf(volumes.error).message}
        onRetry={() => void volumes.refetch()}
      />
    );
  return (
    <Card title="Volumes">
      {volumes.data.length === 0 ? (
        <p className="text-sm text-ink-2">None yet.</p>
      ) : (
        <Table
          label={`Volumes of ${name}`}
          head={
            <>
              <Th>Name</Th>
              <Th>Type</Th>
              <Th>Content</Th>
              <Th>Created</Th>
            </>
          }
        >
          {volumes.data.map((volume) => (
            <tr key={`${volume.type} ${volume.name}`}>
              <Td
                className={cx('max-w-72 truncate', volume.type === 'image' ? 'font-mono text-xs' : 'font-medium')}
                title={volume.name}
              >
                {volume.name}
              </Td>
              <Td>{volume.type}</Td>
              <Td>{volume.content_type}</Td>
              <Td className="whitespace-nowrap">{formatDate(volume.created_at) || '–'}</Td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function DeletePool({ pool }: { pool: StoragePool }) {
  const trpc = useTRPC();
  const router = useRouter();
  const queries = useQueryClient();
  const [isOpen, setIsOpen] = useState(false);
  const remove = useMutation(
    trpc.storage.remove.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries({ queryKey: trpc.storage.list.queryKey() });
        router.push('/storage');
      },
    }),
  );
  return (
    <>
      <Button onClick={() => setIsOpen(true)} reason={pool.used_by.length > 0 ? 'It is in use' : null}>
        <Trash2 aria-hidden /> Delete
      </Button>
      <ConfirmDialog
        open={isOpen}
        onOpenChange={setIsOpen}
        title={`Delete pool ${pool.name}?`}
        action="Delete pool"
        danger
        typed={pool.name}
        pending={remove.isPending}
        error={remove.isError ? failureOf(remove.error).message : null}
        onConfirm={() => remove.mutate({ name: pool.name })}
      >
        Its file system is deleted, with everything in it.
      </ConfirmDialog>
    </>
  );
}
