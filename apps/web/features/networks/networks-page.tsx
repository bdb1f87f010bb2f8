'use client';

import { keysOf } from '@stapes/contract/config-keys/registry';
import { networkNameSchema } from '@stapes/contract/names';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Network as NetworkIcon, Plus } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useState, type FormEvent } from 'react';
import { failureOf } from '../../lib/errors.ts';
import { networkHref } from '../../lib/instance-link.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../ui/states.tsx';
import { Table, Td, Th } from '../../ui/table.tsx';
import { ConfigKeyField } from '../instance/config-form.tsx';

export function NetworksPage() {
  const trpc = useTRPC();
  const networks = useQuery(trpc.networks.list.queryOptions());
  const [isCreating, setIsCreating] = useState(false);
  const create = (
    <Button variant="primary" onClick={() => setIsCreating(true)}>
      <Plus aria-hidden /> Create network
    </Button>
  );
  const managedFirst = [...(networks.data ?? [])].sort(
    (a, b) => Number(b.managed) - Number(a.managed) || a.name.localeCompare(b.name),
  );
  return (
    <>
      <PageHeader
        title="Networks"
        description="Bridges with DHCP, DNS and NAT for instances, and the host’s own interfaces."
        actions={create}
      />
      {networks.isPending && <Skeleton className="h-48 w-full" />}
      {networks.isError && (
        <ErrorState
          title="The networks could not be loaded"
          message={failureOf(networks.error).message}
          onRetry={() => void networks.refetch()}
        />
      )}
      {networks.isSuccess && managedFirst.length === 0 && (
        <EmptyState icon={<NetworkIcon />} title="No networks" action={create}>
          Create a bridge to give instances addresses.
        </EmptyState>
      )}
      {managedFirst.length > 0 && (
        <Table
          label="Networks"
          head={
            <>
              <Th>Name</Th>
              <Th>Type</Th>
              <Th>IPv4</Th>
              <Th>IPv6</Th>
              <Th className="text-right">Used by</Th>
              <Th>Status</Th>
            </>
          }
        >
          {managedFirst.map((network) => (
            <tr key={network.name} className="hover:bg-hover">
              <Td className="font-medium">
                <Link href={networkHref(network.name)} className="text-accent-text hover:underline">
                  {network.name}
                </Link>
              </Td>
              <Td>
                {network.type} {network.managed ? <Badge tone="accent">managed</Badge> : null}
              </Td>
              <Td className="font-mono text-xs">{network.config['ipv4.address'] ?? '–'}</Td>
              <Td className="font-mono text-xs">{network.config['ipv6.address'] ?? '–'}</Td>
              <Td className="tabular text-right">{network.used_by.length}</Td>
              <Td>
                {network.status && (
                  <Badge tone={network.status === 'Created' ? 'ok' : network.status === 'Errored' ? 'bad' : 'neutral'}>
                    {network.status}
                  </Badge>
                )}
              </Td>
            </tr>
          ))}
        </Table>
      )}
      {isCreating && <CreateNetwork onClose={() => setIsCreating(false)} />}
    </>
  );
}

const offered = ['ipv4.address', 'ipv4.nat', 'ipv6.address', 'ipv6.nat', 'dns.domain', 'bridge.mtu'];

function CreateNetwork({ onClose }: { onClose(): void }) {
  const trpc = useTRPC();
  const router = useRouter();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [config, setConfig] = useState<Record<string, string>>({});
  const create = useMutation(
    trpc.networks.create.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries({ queryKey: trpc.networks.pathKey() });
        router.push(networkHref(name));
      },
    }),
  );
  const failure = create.isError ? failureOf(create.error) : null;
  const parsed = networkNameSchema.safeParse(name);
  const nameProblem =
    name !== '' && !parsed.success
      ? (parsed.error.issues[0]?.message ?? null)
      : failure?.details.field === 'name'
        ? failure.message
        : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (parsed.success) create.mutate({ request: { name, type: 'bridge', config } });
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Create network"
      description="A bridge of its own. Free ranges are chosen when the addresses are left empty."
      size="lg"
    >
      <form className="grid grid-cols-1 gap-4" onSubmit={submit}>
        <Field label="Name" error={nameProblem} hint="Also the name of the bridge on the host; 2 to 15 characters">
          {(control) => <Input {...control} value={name} onChange={(event) => setName(event.target.value)} autoFocus />}
        </Field>
        <div className="grid grid-cols-1 gap-4 sm:grid-cols-2">
          {keysOf('network-bridge')
            .filter((key) => offered.includes(key.key))
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
            reason={name === '' ? 'Give it a name first' : null}
          >
            Create network
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
