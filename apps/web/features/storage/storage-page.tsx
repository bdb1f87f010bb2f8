'use client';

import { keysOf } from '@stapes/contract/config-keys/registry';
import { poolNameSchema } from '@stapes/contract/names';
import { useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { HardDrive, Plus } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useState, type FormEvent } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/format.ts';
import { poolHref } from '../../lib/instance-link.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input, Select } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, Progress, Skeleton } from '../../ui/states.tsx';
import { Table, Td, Th } from '../../ui/table.tsx';
import { ConfigKeyField } from '../instance/config-form.tsx';

export function StoragePage() {
  const trpc = useTRPC();
  const pools = useQuery(trpc.storage.list.queryOptions());
  const usage = useQueries({
    queries: (pools.data ?? []).map((pool) =>
      trpc.storage.resources.queryOptions({ name: pool.name }, { staleTime: 0 }),
    ),
  });
  const [isCreating, setIsCreating] = useState(false);
  const create = (
    <Button variant="primary" onClick={() => setIsCreating(true)}>
      <Plus aria-hidden /> Create pool
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Storage"
        description="Pools that hold images and the root file systems of instances."
        actions={create}
      />
      {pools.isPending && <Skeleton className="h-48 w-full" />}
      {pools.isError && (
        <ErrorState
          title="The pools could not be loaded"
          message={failureOf(pools.error).message}
          onRetry={() => void pools.refetch()}
        />
      )}
      {pools.isSuccess && pools.data.length === 0 && (
        <EmptyState icon={<HardDrive />} title="No storage pools" action={create}>
          Create one to hold instances.
        </EmptyState>
      )}
      {pools.isSuccess && pools.data.length > 0 && (
        <Table
          label="Storage pools"
          head={
            <>
              <Th>Name</Th>
              <Th>Driver</Th>
              <Th className="w-1/3">Usage</Th>
              <Th className="text-right">Used by</Th>
              <Th>Status</Th>
            </>
          }
        >
          {pools.data.map((pool, index) => {
            const space = usage[index]?.data?.space;
            return (
              <tr key={pool.name} className="hover:bg-hover">
                <Td className="font-medium">
                  <Link href={poolHref(pool.name)} className="text-accent-text hover:underline">
                    {pool.name}
                  </Link>
                </Td>
                <Td>{pool.driver}</Td>
                <Td>
                  {space ? (
                    <span className="grid min-w-32 gap-1">
                      <Progress
                        value={space.total > 0 ? space.used / space.total : 0}
                        label={`Usage of ${pool.name}`}
                      />
                      <span className="tabular text-xs text-ink-2">
                        {formatBytes(space.used)} of {formatBytes(space.total)}
                      </span>
                    </span>
                  ) : (
                    <span className="text-ink-3">{usage[index]?.isError ? 'unknown' : '…'}</span>
                  )}
                </Td>
                <Td className="tabular text-right">{pool.used_by.length}</Td>
                <Td>
                  <Badge tone={pool.status === 'Created' ? 'ok' : 'bad'}>{pool.status}</Badge>
                </Td>
              </tr>
            );
          })}
        </Table>
      )}
      {isCreating && <CreatePool onClose={() => setIsCreating(false)} />}
    </>
  );
}

function CreatePool({ onClose }: { onClose(): void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const queries = useQueryClient();
  const drivers = useQuery(trpc.storage.drivers.queryOptions());
  const [name, setName] = useState('');
  const [driver, setDriver] = useState<'btrfs' | 'dir'>('btrfs');
  const [config, setConfig] = useState<Record<string, string>>({});
  const create = useMutation(
    trpc.storage.create.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries({ queryKey: trpc.storage.pathKey() });
        router.push(poolHref(name));
      },
    }),
  );
  const failure = create.isError ? failureOf(create.error) : null;
  const parsed = poolNameSchema.safeParse(name);
  const nameProblem =
    name !== '' && !parsed.success
      ? (parsed.error.issues[0]?.message ?? null)
      : failure?.details.field === 'name'
        ? failure.message
        : null;
  const why = drivers.data?.[driver] ?? null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (parsed.success && why === null) create.mutate({ request: { name, driver, config } });
  };
  return (
    <Dialog open onOpenChange={onClose} title="Create storage pool" size="lg">
      <form className="grid grid-cols-1 gap-4" onSubmit={submit}>
        <div className="grid grid-cols-1 gap-4 sm:grid-cols-2">
          <Field label="Name" error={nameProblem}>
            {(control) => (
              <Input {...control} value={name} onChange={(event) => setName(event.target.value)} autoFocus />
            )}
          </Field>
          <Field
            label="Driver"
            error={why}
            hint={
              driver === 'btrfs' ? 'Instant copies and snapshots, quotas' : 'Plain folders on the host’s file system'
            }
          >
            {(control) => (
              <Select
                {...control}
                value={driver}
                onChange={(event) => {
                  setDriver(event.target.value as 'btrfs' | 'dir');
                  setConfig({});
                }}
              >
                <option value="btrfs">btrfs</option>
                <option value="dir">dir</option>
              </Select>
            )}
          </Field>
          {keysOf(driver === 'btrfs' ? 'storage-btrfs' : 'storage-dir')
            .filter((key) => !key.readOnly && !key.key.endsWith('*'))
            .map((key) => (
              <ConfigKeyField
                key={key.key}
                configKey={key}
                value={config[key.key]}
                inherited={undefined}
                error={failure?.details.field === `config.${key.key}` ? failure.message : null}
                onChange={(value) =>
                  setConfig((all) => {
                    const { [key.key]: _, ...rest } = all;
                    return value === undefined ? rest : { ...rest, [key.key]: value };
                  })
                }
              />
            ))}
        </div>
        {failure && !failure.details.field && (
          <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
            {failure.message}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            variant="primary"
            pending={create.isPending}
            reason={name === '' ? 'Give it a name first' : why}
          >
            Create pool
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
