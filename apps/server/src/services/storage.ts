import { DomainError } from '@stapes/contract/errors';
import type { ConfigScope } from '@stapes/contract/config-keys/declare';
import {
  createStoragePoolSchema,
  putStoragePoolSchema,
  type CreateStoragePool,
  type StoragePool,
  type StorageVolume,
} from '@stapes/contract/storage';
import { parseBytes } from '@stapes/contract/units';
import { mintId } from '../store/mint-id.ts';
import type { PoolRow } from '../store/store.ts';
import type { Sagas } from '../sagas/sagas.ts';
import type { Context } from './context.ts';
import type { BaseDeps, ServiceDeps } from './deps.ts';
import { ended } from './ended.ts';
import { etagOf, requireMatch } from './etag.ts';
import { imageUrl, instanceUrl, poolUrl, profileUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { timeOf } from './instance-views.ts';
import { storageDriver, toPoolRef } from './machine.ts';
import type { StorageService } from './services.ts';
import { admit, invalid, parse, requireConfig, withoutEmpty } from './validate.ts';

export interface StorageDeps extends ServiceDeps {
  sagas: Sagas;
  /** Pools that did not come up, and why. */
  unhealthy: Map<string, string>;
}

const etag = (row: PoolRow) => etagOf([row.name, row.driver, row.description, row.config]);
const scopeOf = (driver: string) => `storage-${driver}` as ConfigScope;

async function poolUsers(deps: BaseDeps, row: PoolRow): Promise<string[]> {
  const profiles = (await deps.store.profiles.list()).filter(({ devices }) =>
    Object.values(devices).some((device) => device.type === 'disk' && device.pool === row.name),
  );
  const instances = (await deps.store.instances.list()).filter(({ poolId }) => poolId === row.id);
  return [...profiles.map(({ name }) => profileUrl(name)), ...instances.map(({ name }) => instanceUrl(name))];
}

async function toPool(deps: StorageDeps, row: PoolRow): Promise<StoragePool> {
  const status = row.phase === 'creating' ? 'Pending' : deps.unhealthy.has(row.id) ? 'Unavailable' : 'Created';
  return {
    name: row.name,
    description: row.description,
    driver: row.driver,
    status,
    config: row.config,
    used_by: await poolUsers(deps, row),
    locations: ['none'],
  };
}

async function need(deps: BaseDeps, name: string): Promise<PoolRow> {
  const row = await deps.store.pools.findByName(name);
  if (!row || row.phase === 'deleting') throw new DomainError('not-found', `There is no storage pool "${name}"`);
  return row;
}

async function create(deps: StorageDeps, context: Context, request: unknown): Promise<CreateStoragePool> {
  admit(context);
  const parsed = parse(createStoragePoolSchema, request);
  const driver = storageDriver(deps, parsed.driver);
  const config = withoutEmpty(parsed.config ?? {});
  requireConfig(scopeOf(parsed.driver), config);
  if (await deps.store.pools.findByName(parsed.name))
    throw new DomainError('exists', `There is a storage pool "${parsed.name}" already: choose another name`, {
      details: { field: 'name' },
    });
  const why = await driver.probe();
  if (why)
    throw new DomainError('unsupported', `This host cannot use the storage driver "${parsed.driver}": ${why}`, {
      details: { field: 'driver' },
    });
  const pool: PoolRow = {
    id: mintId(),
    name: parsed.name,
    description: parsed.description ?? '',
    driver: parsed.driver,
    config,
    phase: 'creating',
  };
  const operation = await deps.engine.startSaga(
    context,
    deps.sagas.poolCreate,
    { pool, requestor: requestorOf(context) },
    {
      description: 'Creating storage pool',
      locks: [`pool-name:${pool.name}`, `pool:${pool.id}`],
      resources: { storage_pools: [poolUrl(pool.name)] },
    },
  );
  await ended(deps, operation);
  return parsed;
}

/** Only growing the size and `user.*` may change after the create. The row follows the host: a pool that cannot grow stays as it was. */
async function change(
  deps: StorageDeps,
  context: Context,
  on: { name: string; request: unknown; match: string | undefined; merge: boolean },
) {
  admit(context);
  const row = await need(deps, on.name);
  requireMatch(on.match, etag(row));
  const parsed = parse(putStoragePoolSchema, on.request);
  const config = withoutEmpty({ ...(on.merge ? row.config : {}), ...(parsed.config ?? {}) });
  requireConfig(scopeOf(row.driver), config, { allowReadOnly: true });
  for (const key of new Set([...Object.keys(config), ...Object.keys(row.config)])) {
    if (config[key] === row.config[key] || key.startsWith('user.')) continue;
    if (key !== 'size') throw invalid(`config.${key}`, 'It cannot be changed after the pool was created');
    if (row.config.size && (parseBytes(config.size ?? '') ?? 0) < (parseBytes(row.config.size) ?? 0))
      throw invalid('config.size', 'A pool can only grow');
  }
  await deps.engine.withLocks([`pool:${row.id}`], async () => {
    if (config.size !== row.config.size)
      await storageDriver(deps, row.driver).ensurePool({ ...toPoolRef(row), config });
    await deps.store.pools.update(row.id, {
      config,
      description: parsed.description ?? (on.merge ? row.description : ''),
    });
  });
  publishLifecycle(deps, {
    action: 'storage-pool-updated',
    source: poolUrl(row.name),
    name: row.name,
    requestor: requestorOf(context),
  });
  return parsed;
}

async function remove(deps: StorageDeps, context: Context, name: string): Promise<void> {
  admit(context);
  const pool = await need(deps, name);
  const users = await poolUsers(deps, pool);
  if (users.length > 0)
    throw new DomainError(
      'in-use',
      `The storage pool "${name}" is used by ${users
        .slice(0, 5)
        .map((url) => decodeURIComponent(url.replace('/1.0/', '')))
        .join(', ')}: remove those first`,
    );
  const operation = await deps.engine.startSaga(
    context,
    deps.sagas.poolDelete,
    {
      pool,
      fingerprints: (await deps.store.images.list()).map(({ fingerprint }) => fingerprint),
      requestor: requestorOf(context),
    },
    { description: 'Deleting storage pool', locks: [`pool:${pool.id}`], resources: { storage_pools: [poolUrl(name)] } },
  );
  await ended(deps, operation);
}

async function volumesOf(deps: StorageDeps, pool: PoolRow): Promise<StorageVolume[]> {
  const base = {
    content_type: 'filesystem' as const,
    description: '',
    config: {},
    pool: pool.name,
    project: 'default',
    location: 'none',
  };
  const { images } = storageDriver(deps, pool.driver);
  const volumes: StorageVolume[] = [];
  for (const row of await deps.store.instances.list()) {
    if (row.poolId === pool.id)
      volumes.push({
        ...base,
        name: row.name,
        type: row.type,
        created_at: timeOf(row.createdAtMs),
        used_by: [instanceUrl(row.name)],
      });
  }
  for (const image of await deps.store.images.list()) {
    if (await images.has({ pool: toPoolRef(pool), fingerprint: image.fingerprint })) {
      volumes.push({
        ...base,
        name: image.fingerprint,
        type: 'image',
        created_at: timeOf(image.uploadedAtMs),
        used_by: [imageUrl(image.fingerprint)],
      });
    }
  }
  return volumes;
}

export function createStorageService(deps: StorageDeps): StorageService {
  return {
    async list(context) {
      admit(context);
      return Promise.all(
        (await deps.store.pools.list()).filter(({ phase }) => phase !== 'deleting').map((row) => toPool(deps, row)),
      );
    },
    async get(context, name) {
      admit(context);
      const row = await need(deps, name);
      return { value: await toPool(deps, row), etag: etag(row) };
    },
    create: (context, request) => create(deps, context, request),
    put: (context, name, request, match) => change(deps, context, { name, request, match, merge: false }),
    patch: (context, name, request, match) => change(deps, context, { name, request, match, merge: true }),
    remove: (context, name) => remove(deps, context, name),
    async resources(context, name) {
      admit(context);
      const row = await need(deps, name);
      const usage = await storageDriver(deps, row.driver).poolUsage(toPoolRef(row));
      return {
        space: { used: usage.usedBytes, total: usage.totalBytes },
        inodes: { used: usage.inodesUsed, total: usage.inodesTotal },
      };
    },
    async volumes(context, name) {
      admit(context);
      return volumesOf(deps, await need(deps, name));
    },
    async drivers(context) {
      admit(context);
      const entries = Object.entries(deps.runtime.storage).map(
        async ([name, driver]) => [name, await driver.probe()] as const,
      );
      return Object.fromEntries(await Promise.all(entries));
    },
  };
}
