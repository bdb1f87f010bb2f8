import type { InstanceFull } from '@stapes/contract/instance';
import type { Usage } from './usage.ts';
import { addressesOf, imageOf, poolOf } from './search.ts';

export type ColumnId =
  | 'name'
  | 'status'
  | 'ipv4'
  | 'ipv6'
  | 'type'
  | 'cpu'
  | 'memory'
  | 'disk'
  | 'image'
  | 'profiles'
  | 'pool'
  | 'snapshots'
  | 'processes'
  | 'created'
  | 'used'
  | 'description';

export interface ListColumn {
  id: ColumnId;
  label: string;
  /** Track of the CSS grid. */
  width: string;
  minPx: number;
  /** What it is sorted by; text is compared in natural order (web2 before web10). */
  key(instance: InstanceFull, usage: Usage): string | number;
  numeric?: boolean;
  /** Its key comes from the usage stream. */
  live?: boolean;
}

function addressKey(address: string | undefined): string {
  return (address ?? '')
    .split('.')
    .map((part) => part.padStart(3, '0'))
    .join('.');
}
const disk = (instance: InstanceFull) => instance.state?.disk?.root?.usage ?? 0;

export const columns: readonly ListColumn[] = [
  { id: 'name', label: 'Name', width: 'minmax(12rem,2.2fr)', minPx: 192, key: (instance) => instance.name },
  { id: 'status', label: 'Status', width: '7rem', minPx: 112, key: (instance) => instance.status },
  {
    id: 'ipv4',
    label: 'IPv4',
    width: 'minmax(7.5rem,1fr)',
    minPx: 120,
    key: (instance) => addressKey(addressesOf(instance, 'inet')[0]),
  },
  {
    id: 'ipv6',
    label: 'IPv6',
    width: 'minmax(12rem,1.6fr)',
    minPx: 192,
    key: (instance) => addressesOf(instance, 'inet6')[0] ?? '',
  },
  {
    id: 'cpu',
    label: 'CPU',
    width: '6.5rem',
    minPx: 104,
    key: (instance, usage) => usage[instance.name]?.cpu ?? -1,
    numeric: true,
    live: true,
  },
  {
    id: 'memory',
    label: 'Memory',
    width: '8rem',
    minPx: 128,
    key: (instance, usage) => usage[instance.name]?.memory ?? instance.state?.memory?.usage ?? 0,
    numeric: true,
    live: true,
  },
  { id: 'disk', label: 'Disk', width: '6rem', minPx: 96, key: disk, numeric: true },
  { id: 'image', label: 'Image', width: 'minmax(7rem,1fr)', minPx: 112, key: imageOf },
  { id: 'type', label: 'Type', width: '6.5rem', minPx: 104, key: (instance) => instance.type },
  {
    id: 'profiles',
    label: 'Profiles',
    width: 'minmax(7rem,1fr)',
    minPx: 112,
    key: (instance) => instance.profiles.join(' '),
  },
  { id: 'pool', label: 'Pool', width: '7rem', minPx: 112, key: poolOf },
  {
    id: 'snapshots',
    label: 'Snapshots',
    width: '6rem',
    minPx: 96,
    key: (instance) => instance.snapshots?.length ?? 0,
    numeric: true,
  },
  {
    id: 'processes',
    label: 'Processes',
    width: '6rem',
    minPx: 96,
    key: (instance) => Math.max(0, instance.state?.processes ?? 0),
    numeric: true,
  },
  {
    id: 'created',
    label: 'Created',
    width: '7rem',
    minPx: 112,
    key: (instance) => Date.parse(instance.created_at) || 0,
  },
  {
    id: 'used',
    label: 'Last used',
    width: '7rem',
    minPx: 112,
    key: (instance) => Date.parse(instance.last_used_at) || 0,
  },
  {
    id: 'description',
    label: 'Description',
    width: 'minmax(10rem,1.5fr)',
    minPx: 160,
    key: (instance) => instance.description,
  },
];
export const defaultColumns: readonly ColumnId[] = ['name', 'status', 'ipv4', 'cpu', 'memory', 'image', 'created'];

export interface Sort {
  id: ColumnId;
  desc: boolean;
}
export const defaultSort: Sort = { id: 'name', desc: false };

/** `cols=name,cpu` and `sort=-cpu` of the address; what is unknown is left out. */
export function parseColumns(text: string | null): ColumnId[] {
  const ids = new Set((text ?? '').split(','));
  const chosen = columns.filter((column) => column.id === 'name' || ids.has(column.id)).map((column) => column.id);
  return text === null ? [...defaultColumns] : chosen;
}
export function parseSort(text: string | null): Sort {
  const desc = text?.startsWith('-') ?? false;
  const column = columns.find((one) => one.id === text?.replace(/^-/, ''));
  return column ? { id: column.id, desc } : defaultSort;
}
export function formatColumns(ids: readonly ColumnId[]): string | null {
  const same = ids.length === defaultColumns.length && defaultColumns.every((id) => ids.includes(id));
  return same ? null : ids.join(',');
}
export function formatSort(sort: Sort): string | null {
  return sort.id === defaultSort.id && !sort.desc ? null : `${sort.desc ? '-' : ''}${sort.id}`;
}

const natural = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Ascending; equal keys are ordered by name. */
export function compareBy(column: ListColumn, usage: () => Usage): (a: InstanceFull, b: InstanceFull) => number {
  return (a, b) => {
    const left = column.key(a, usage());
    const right = column.key(b, usage());
    const order =
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : natural.compare(String(left), String(right));
    return order || natural.compare(a.name, b.name);
  };
}
