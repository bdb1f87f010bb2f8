import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { createFakeInstanceDriver, type FakeInstanceDriver } from '@stapes/runtime/instances/fake/fake-driver';
import { createFakeNetworkDriver, type FakeNetworkHost } from '@stapes/runtime/networks/fake/fake-network-driver';
import type { Runtime } from '@stapes/runtime/runtime';
import { createFakeStorageDriver } from '@stapes/runtime/storage/fake/fake-driver';
import type { HostedTerminal } from '@stapes/runtime/terminals/terminal-host';
import type { ServerConfig } from '../../config.ts';
import { createEventHub } from '../../events/event-hub.ts';
import { createLog } from '../../log.ts';
import type { Saga } from '../../operations/saga.ts';
import { createLiveState } from '../../services/live-state.ts';
import { createPower } from '../../services/power.ts';
import { createTemplates } from '../../services/templates.ts';
import { createFakeStore } from '../../store/fake/fake-store.ts';
import type { Store } from '../../store/store.ts';
import type { SagaDeps } from '../saga-deps.ts';
import { createSagas, type Sagas } from '../sagas.ts';

/** What outlives a server: a store, a state directory, and fakes that stand for the host. */
export interface SagaWorld {
  directory: string;
  config: ServerConfig;
  store: Store;
  runtime: Runtime;
  container: FakeInstanceDriver;
  networks: FakeNetworkHost;
  terminals: Map<string, HostedTerminal>;
}

export const requestor = { username: 'root', protocol: 'unix', address: '@' };

export async function makeSagaWorld(): Promise<SagaWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'stapes-saga-'));
  const store = createFakeStore();
  const container = createFakeInstanceDriver();
  const networks: FakeNetworkHost = new Map();
  const terminals = new Map<string, HostedTerminal>();
  const runtime: Runtime = {
    instances: { container },
    storage: { fake: createFakeStorageDriver({ directory }) },
    networks: { bridge: createFakeNetworkDriver(networks) },
    images: fakeImages,
    builder: fakeBuilder(),
    terminals: fakeTerminals(terminals),
  };
  const config: ServerConfig = {
    stateDir: directory,
    cacheDir: join(directory, 'cache'),
    listen: { host: '127.0.0.1', port: 0 },
    origin: 'https://localhost',
    insecureHttp: false,
    logLevel: 'silent',
    socketGroup: 'stapes',
    webDir: directory,
  };
  return { directory, config, store, runtime, container, networks, terminals };
}

export async function disposeSagaWorld({ store, directory }: SagaWorld): Promise<void> {
  await store.close();
  await rm(directory, { recursive: true, force: true });
}

/** Sagas as a server that starts now would have them: nothing of what the one before it kept in memory. */
export function sagasOf({ config, store, runtime }: SagaWorld): Sagas {
  const base = {
    config,
    log: createLog('silent'),
    store,
    runtime,
    events: createEventHub(),
    live: createLiveState(),
  };
  const templates = createTemplates(base);
  const deps: SagaDeps = { ...base, templates, power: createPower(base, templates) };
  return createSagas(deps);
}

/** Makes what a saga under test finds. */
export async function runSteps<P>(saga: Saga<P>, params: P): Promise<void> {
  const tools = { signal: new AbortController().signal, progress: () => undefined, annotate: () => undefined };
  for (const step of saga.steps) await step.run(params, tools);
}

/** Everything that a saga may leave behind, to be compared. */
export async function inventory(world: SagaWorld) {
  const { store, container, networks, terminals, directory } = world;
  const { instances, snapshots, images, aliases, profiles, networks: networkRows, pools } = store;
  const traces = container.traces().sort();
  return {
    instances: await instances.list(),
    snapshots: await snapshots.list(),
    images: await images.list(),
    aliases: await aliases.list(),
    profiles: await profiles.list(),
    networkRows: await networkRows.list(),
    pools: await pools.list(),
    containers: await Promise.all(
      traces.map(async (id) => [id, container.specOf({ id }) ?? null, (await container.inspect({ id })).status]),
    ),
    networks: structuredClone([...networks]),
    terminals: [...terminals.keys()],
    files: await filesBelow(directory),
  };
}
export type Inventory = Awaited<ReturnType<typeof inventory>>;

async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    found.push(`${relative(directory, path)}${entry.isFile() ? ` ${await readFile(path, 'utf8')}` : '/'}`);
  }
  return found.sort();
}

const fakeImages: Runtime['images'] = {
  async inspect({ metadataPath }) {
    const content = await readFile(metadataPath);
    return {
      fingerprint: createHash('sha256').update(content).digest('hex'),
      sizeBytes: content.length,
      type: 'container',
      metadata: { architecture: 'x86_64', creation_date: 1 },
      templates: {},
    };
  },
  async unpackRootfs({ metadataPath }, directory) {
    await writeFile(join(directory, 'content'), await readFile(metadataPath));
  },
};

/** Each build is another image, as with real ones, which hold the time of their making. */
function fakeBuilder(): Runtime['builder'] {
  let builds = 0;
  return {
    recipes: () => [
      {
        name: 'tiny',
        description: '',
        os: 'tiny',
        release: '1',
        type: 'container',
        needsMirror: false,
      },
    ],
    prepared: async () => false,
    async build(recipe, target) {
      await writeFile(target, `${recipe} ${++builds}`, { flag: 'wx' });
    },
  };
}

function fakeTerminals(sessions: Map<string, HostedTerminal>): Runtime['terminals'] {
  return {
    async create({ id, cols, rows, meta }) {
      const made: HostedTerminal = {
        id,
        cols,
        rows,
        meta,
        title: '',
        clients: 0,
        createdAtMs: 1,
        status: 'running',
        exitCode: null,
      };
      sessions.set(id, made);
      return made;
    },
    list: async () => [...sessions.values()],
    attach: () => Promise.reject(new DomainError('unsupported', 'A fake has no screen')),
    close: async (id) => void sessions.delete(id),
    shutdown: async () => sessions.clear(),
  };
}

/** A file as it lies in the state directory. */
export async function putFile(world: SagaWorld, path: string, content: string): Promise<void> {
  const file = join(world.directory, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, content);
}
