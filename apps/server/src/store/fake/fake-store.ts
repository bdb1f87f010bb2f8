import { DomainError } from '@stapes/contract/errors';
import { createMemoryStore } from '../../operations/memory-store.ts';
import type { Store, Table } from '../store.ts';

interface FakeTableOptions<Row> {
  noun: string;
  key: keyof Row & string;
  /** Columns that together are taken once. */
  unique?: readonly (keyof Row & string)[];
}

/** Rows as JSON, like the columns of the real one. */
function createFakeTable<Row extends object>({ noun, key, unique = [] }: FakeTableOptions<Row>) {
  const rows = new Map<string, string>();
  const read = (): Row[] => [...rows.keys()].sort().map((id) => JSON.parse(rows.get(id) ?? 'null') as Row);
  const find = (id: string): Row | null => {
    const text = rows.get(id);
    return text === undefined ? null : (JSON.parse(text) as Row);
  };
  const get = (id: string): Row => {
    const row = find(id);
    if (!row) throw new DomainError('not-found', `There is no ${noun} "${id}"`);
    return row;
  };
  const put = (row: Row, before: string | null) => {
    const id = String(row[key]);
    const isTaken =
      (id !== before && rows.has(id)) ||
      (unique.length > 0 &&
        read().some((other) => String(other[key]) !== before && unique.every((name) => other[name] === row[name])));
    if (isTaken) throw new DomainError('exists', `The ${noun} "${id}" exists already: choose another name`);
    if (before !== null) rows.delete(before);
    rows.set(id, JSON.stringify(row));
  };
  const table: Table<Row, string> = {
    list: async () => read(),
    find: async (id) => find(id),
    get: async (id) => get(id),
    create: async (row) => put(row, null),
    async update(id, change) {
      const row = { ...get(id), ...change };
      put(row, id);
      return get(String(row[key]));
    },
    remove: async (id) => void rows.delete(id),
  };
  const select = async (where: Partial<Row>) =>
    read().filter((row) => (Object.keys(where) as (keyof Row)[]).every((name) => row[name] === where[name]));
  return { ...table, select };
}

/** The store in memory: for the harnesses, which make a thousand worlds. What a database adds is tested on a real one. */
export function createFakeStore(): Store {
  type Rows = { [Name in keyof Store]: Store[Name] extends Table<infer Row, string> ? Row : never };
  const named = ['project', 'name'] as const;
  const instances = createFakeTable<Rows['instances']>({ noun: 'instance', key: 'id', unique: named });
  const snapshots = createFakeTable<Rows['snapshots']>({
    ...{ noun: 'snapshot', key: 'id', unique: ['instanceId', 'name'] },
  });
  const images = createFakeTable<Rows['images']>({ noun: 'image', key: 'fingerprint' });
  const aliases = createFakeTable<Rows['aliases']>({ noun: 'image alias', key: 'name' });
  const profiles = createFakeTable<Rows['profiles']>({ noun: 'profile', key: 'id', unique: named });
  const networks = createFakeTable<Rows['networks']>({ noun: 'network', key: 'id', unique: ['name'] });
  const pools = createFakeTable<Rows['pools']>({ noun: 'storage pool', key: 'id', unique: ['name'] });
  const sessions = createFakeTable<Rows['sessions']>({ noun: 'session', key: 'tokenHash' });
  const settings = new Map<string, string>();
  const first = async <Row>(found: Promise<Row[]>) => (await found)[0] ?? null;
  return {
    instances: { ...instances, findByName: (project, name) => first(instances.select({ project, name })) },
    snapshots: {
      ...snapshots,
      ofInstance: (instanceId) => snapshots.select({ instanceId }),
      findByName: (instanceId, name) => first(snapshots.select({ instanceId, name })),
    },
    images: {
      ...images,
      findByPrefix: async (prefix) => (await images.list()).filter((row) => row.fingerprint.startsWith(prefix)),
    },
    aliases: { ...aliases, ofImage: (fingerprint) => aliases.select({ fingerprint }) },
    profiles: { ...profiles, findByName: (project, name) => first(profiles.select({ project, name })) },
    networks: { ...networks, findByName: (name) => first(networks.select({ name })) },
    pools: { ...pools, findByName: (name) => first(pools.select({ name })) },
    users: createFakeTable<Rows['users']>({ noun: 'user', key: 'id' }),
    sessions: {
      ...sessions,
      ofUser: (userId) => sessions.select({ userId }),
      async removeExpired(nowMs) {
        for (const { tokenHash, expiresAtMs } of await sessions.list())
          if (expiresAtMs < nowMs) await sessions.remove(tokenHash);
      },
    },
    passkeys: createFakeTable<Rows['passkeys']>({ noun: 'passkey', key: 'credentialId' }),
    ...createMemoryStore(),
    settings: {
      all: async () => Object.fromEntries(settings),
      async set(key, value) {
        if (value === null) settings.delete(key);
        else settings.set(key, value);
      },
    },
    unreadable: () => [],
    close: async () => undefined,
  };
}
