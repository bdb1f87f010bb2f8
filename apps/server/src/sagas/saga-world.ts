import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHash } from 'node:crypto';
import type { ImageMetadata } from '@stapes/contract/image';
import { createFakeInstanceDriver, type FakeInstanceDriver } from '@stapes/runtime/instances/fake/fake-driver';
import { createFakeNetworkDriver, type FakeNetworkHost } from '@stapes/runtime/networks/fake/fake-network-driver';
import { createFakeStorageDriver, type FakeStorageDriver } from '@stapes/runtime/storage/fake/fake-driver';
import type { Runtime } from '@stapes/runtime/runtime';
import type { ServerEvent } from '@stapes/contract/event';
import pino from 'pino';
import { createEventHub } from '../events/event-hub.ts';
import type { Context } from '../services/context.ts';
import { createLiveState } from '../services/live-state.ts';
import { toNetworkSpec } from '../services/network-spec.ts';
import { createPower } from '../services/power.ts';
import { createTemplates } from '../services/templates.ts';
import { openStore } from '../store/open-store.ts';
import type { ImageRow, InstanceRow, NetworkRow, PoolRow, Store } from '../store/store.ts';
import { createSagas, type Sagas } from './sagas.ts';
import type { SagaDeps } from './saga-deps.ts';

/** Everything below the services with fakes for the host and a real database in memory. For tests only. */
export interface SagaWorld {
  directory: string;
  store: Store;
  deps: SagaDeps;
  sagas: Sagas;
  instances: FakeInstanceDriver;
  storage: FakeStorageDriver;
  networkHost: FakeNetworkHost;
  seen: ServerEvent[];
}

export const requestor = { username: 'tester', protocol: 'unix', address: '@' };
export const context: Context = {
  identity: { username: 'tester', protocol: 'unix' },
  project: 'default',
  requestId: 'test',
  address: '@',
};
const metadata: ImageMetadata = {
  architecture: 'x86_64',
  creation_date: 1_700_000_000,
  properties: { os: 'Test' },
  templates: { '/etc/hostname': { when: ['create', 'rename'], template: 'hostname.tpl' } },
};
const templates = { 'hostname.tpl': '{{ instance.name }}\n' };

function fakeImages(): Pick<Runtime, 'images' | 'builder' | 'terminals'> {
  return {
    images: {
      async inspect({ metadataPath }) {
        const content = await readFile(metadataPath);
        const fingerprint = createHash('sha256').update(content).digest('hex');
        return { fingerprint, sizeBytes: content.length, type: 'container', metadata, templates };
      },
      async unpackRootfs(_image, directory) {
        await mkdir(join(directory, 'etc'), { recursive: true });
        await writeFile(
          join(directory, 'etc/passwd'),
          'root:x:0:0::/root:/bin/ash\nweb:x:1000:1000::/home/web:/bin/bash\n',
        );
      },
    },
    builder: {
      recipes: () => [
        { name: 'tiny', description: 'Tiny', os: 'Test', release: '1', type: 'container', needsMirror: false },
      ],
      prepared: async () => false,
      build: (_recipe, target) => writeFile(target, 'built'),
    },
    terminals: {
      create: () => Promise.reject(new Error('no terminals here')),
      attach: () => Promise.reject(new Error('no terminals here')),
      list: async () => [],
      close: async () => undefined,
      shutdown: async () => undefined,
    },
  };
}

export async function makeSagaWorld(file = ':memory:'): Promise<SagaWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'stapes-sagas-'));
  const log = pino({ level: 'silent' });
  const store = await openStore({
    file: file === ':memory:' ? file : join(directory, file),
    migrationsDir: resolve(import.meta.dirname, '../../../../prisma/sqlite/migrations'),
    backupsDir: join(directory, 'backups'),
    log,
  });
  const instances = createFakeInstanceDriver();
  const storage = createFakeStorageDriver({ directory: join(directory, 'storage') });
  await mkdir(join(directory, 'storage'));
  const networkHost: FakeNetworkHost = new Map();
  const events = createEventHub();
  const seen: ServerEvent[] = [];
  events.subscribe(
    { types: ['lifecycle'], project: null, onOverflow: () => undefined },
    (event) => void seen.push(event),
  );
  const config = {
    ...{ stateDir: directory, cacheDir: directory, webDir: directory, origin: 'https://localhost', logLevel: 'silent' },
    ...{ listen: { host: '127.0.0.1', port: 0 }, insecureHttp: false, socketGroup: 'root' },
  };
  const runtime: Runtime = {
    instances: { container: instances },
    storage: { fake: storage },
    networks: { bridge: createFakeNetworkDriver(networkHost) },
    ...fakeImages(),
  };
  const base = { config, log, store, runtime, events, live: createLiveState() };
  const made = createTemplates(base);
  const deps = { ...base, templates: made, power: createPower(base, made) };
  return { directory, store, deps, sagas: createSagas(deps), instances, storage, networkHost, seen };
}

export async function disposeSagaWorld({ store, directory }: SagaWorld): Promise<void> {
  await store.close();
  await rm(directory, { recursive: true, force: true });
}

export const pool: PoolRow = {
  id: 'pool000000000000',
  name: 'default',
  description: '',
  driver: 'fake',
  config: {},
  phase: 'ready',
};
export const poolRef = { id: pool.id, driver: pool.driver, config: pool.config };
export const network: NetworkRow = {
  id: 'net0000000000000',
  name: 'testbr0',
  description: '',
  type: 'bridge',
  config: { 'ipv4.address': '10.77.0.1/24', 'ipv4.nat': 'true', 'ipv6.address': 'none' },
  phase: 'ready',
};
export const image: ImageRow = {
  ...{ fingerprint: 'a'.repeat(64), filename: 'test.tar', sizeBytes: 1, type: 'container', architecture: 'x86_64' },
  ...{ public: false, cached: false, properties: { os: 'Test' }, metadata, templates, split: false, phase: 'ready' },
  ...{ createdAtMs: 1, uploadedAtMs: 1, expiresAtMs: null, lastUsedAtMs: null },
};
export const instance: InstanceRow = {
  ...{
    id: 'inst000000000000',
    project: 'default',
    name: 'web',
    description: '',
    type: 'container',
    architecture: 'x86_64',
  },
  ...{ ephemeral: false, profiles: ['default'], devices: {}, phase: 'creating', desired: 'stopped' },
  config: {
    'volatile.idmap.next': '1065536:65536',
    'volatile.idmap.base': '1065536',
    'volatile.eth0.hwaddr': '10:66:6a:00:00:01',
    'volatile.eth0.host_name': 'vethaaaa0001',
    'security.idmap.isolated': 'true',
  },
  ...{ poolId: pool.id, volumeId: 'vol0000000000000', imageFingerprint: image.fingerprint, metadata, templates },
  ...{ createdAtMs: 1, lastUsedAtMs: 0 },
};

/** Pool, network, profile and image, as a host that has been set up has them. */
export async function furnish(world: SagaWorld): Promise<void> {
  const { store, deps, storage } = world;
  await store.pools.create(pool);
  await storage.ensurePool(poolRef);
  await store.networks.create(network);
  await deps.runtime.networks.bridge.ensureNetwork(toNetworkSpec(network));
  await store.profiles.create({
    ...{ id: 'prof000000000000', project: 'default', name: 'default', description: '', config: {} },
    devices: { root: { type: 'disk', path: '/', pool: 'default' }, eth0: { type: 'nic', network: network.name } },
  });
  await store.images.create(image);
}

export function portsInUse(world: SagaWorld): number {
  return [...world.networkHost.values()].reduce((sum, { ports }) => sum + ports.size, 0);
}
export function volumeExists(world: SagaWorld, id: string): boolean {
  return existsSync(world.storage.volumes.rootfs({ pool: poolRef, id }));
}
