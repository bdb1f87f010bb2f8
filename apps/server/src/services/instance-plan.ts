import { DomainError, isDomainError } from '@stapes/contract/errors';
import type { Config, CreateInstance } from '@stapes/contract/instance';
import { fingerprintPrefixSchema } from '@stapes/contract/names';
import type { PoolRef } from '@stapes/runtime/storage/driver';
import type { ImageRow, InstanceRow, PoolRow, Store } from '../store/store.ts';
import { mintId } from '../store/mint-id.ts';
import type { InstanceCreateParams } from '../sagas/instance-create.ts';
import type { BaseDeps } from './deps.ts';
import { rootDisk, withoutVolatile, type Layer } from './expand.ts';
import { findImage } from './image-lookup.ts';
import { withIdmap } from './idmaps.ts';
import { effectiveOf, machineOf, toPoolRef, withVolatile } from './machine.ts';
import { builtImage } from './recipe-build.ts';
import { suggestName } from './suggest-name.ts';
import { invalid, requireConfig, requireDevices, withoutEmpty } from './validate.ts';
import { checkReferences } from './references.ts';

export type CreateSource = InstanceCreateParams['source'];
export interface Origin {
  source: CreateSource;
  image: ImageRow | null;
  /** The instance that it is a copy of. */
  copyOf: InstanceRow | null;
  /** Configuration that comes with the origin, below the request's. */
  base: Layer & { profiles: string[] | null; ephemeral: boolean };
}

const nothing = { config: {}, devices: {}, profiles: null, ephemeral: false };

/** What an image leaves in the instance that is made from it. */
export function imageConfig(image: ImageRow): Config {
  return {
    ...Object.fromEntries(Object.entries(image.properties).map(([key, value]) => [`image.${key}`, value])),
    'volatile.base_image': image.fingerprint,
  };
}

/** The change that an image makes to a row that was recorded before the image was there. */
export function fromImage(row: InstanceRow, image: ImageRow): Partial<InstanceRow> {
  return {
    config: { ...imageConfig(image), ...row.config },
    imageFingerprint: image.fingerprint,
    metadata: image.metadata,
    templates: image.templates,
    architecture: image.architecture,
  };
}

export async function resolveOrigin(
  deps: BaseDeps,
  project: string,
  source: CreateInstance['source'],
): Promise<Origin> {
  if (source.type === 'none') return { source: { kind: 'empty' }, image: null, copyOf: null, base: nothing };
  if (source.type === 'copy') return resolveCopy(deps.store, project, source.source ?? '');
  if (source.recipe) return ofRecipe(deps, source.recipe);
  if (source.fingerprint) {
    // Clients send an alias in either field.
    const byPrefix = fingerprintPrefixSchema.safeParse(source.fingerprint).success;
    return ofNamed(deps, source.fingerprint, { field: 'source.fingerprint', byPrefix });
  }
  if (source.alias) return ofNamed(deps, source.alias, { field: 'source.alias', byPrefix: true });
  throw invalid('source.alias', 'Choose an image');
}

/** A stored image; or, when none has that name, the recipe that has it: `lxc launch debian/12` on a new server. */
async function ofNamed(deps: BaseDeps, text: string, options: { field: string; byPrefix: boolean }): Promise<Origin> {
  try {
    return ofImage(await findImage(deps.store, text, options));
  } catch (error) {
    const isRecipe = deps.runtime.builder.recipes().some(({ name }) => name === text);
    if (isRecipe && isDomainError(error) && error.code === 'not-found') return ofRecipe(deps, text);
    throw error;
  }
}

async function ofRecipe(deps: BaseDeps, name: string): Promise<Origin> {
  const recipe = deps.runtime.builder.recipes().find((known) => known.name === name);
  if (!recipe)
    throw new DomainError('not-found', `There is no recipe "${name}"`, { details: { field: 'source.recipe' } });
  const image = await builtImage(deps, recipe.name);
  if (image) return ofImage(image);
  return {
    source: { kind: 'recipe', recipe: recipe.name, buildId: mintId() },
    image: null,
    copyOf: null,
    base: nothing,
  };
}

function ofImage(image: ImageRow): Origin {
  return {
    source: { kind: 'image', fingerprint: image.fingerprint },
    image,
    copyOf: null,
    base: { ...nothing, config: imageConfig(image) },
  };
}

async function resolveCopy(store: Store, project: string, text: string): Promise<Origin> {
  const [name = '', snapshotName, ...rest] = text.split('/');
  const field = { details: { field: 'source.source' } };
  if (name === '' || rest.length > 0)
    throw invalid('source.source', 'Give the name of an instance, or instance/snapshot');
  const row = await store.instances.findByName(project, name);
  if (!row || row.phase !== 'ready') throw new DomainError('not-found', `There is no instance "${name}"`, field);
  const pool = toPoolRef(await store.pools.get(row.poolId));
  if (snapshotName === undefined) return ofVolume(row, row, { snapshotId: null, pool });
  const snapshot = await store.snapshots.findByName(row.id, snapshotName);
  if (!snapshot || snapshot.phase !== 'ready')
    throw new DomainError('not-found', `The instance "${name}" has no snapshot "${snapshotName}"`, field);
  return ofVolume(row, snapshot, { snapshotId: snapshot.id, pool });
}

function ofVolume(
  row: InstanceRow,
  from: Pick<InstanceRow, 'config' | 'devices' | 'profiles' | 'ephemeral'>,
  { snapshotId, pool }: { snapshotId: string | null; pool: PoolRef },
): Origin {
  return {
    source: { kind: 'volume', instanceId: row.id, volumeId: row.volumeId, snapshotId, pool },
    image: null,
    copyOf: row,
    base: {
      config: withoutVolatile(from.config),
      devices: from.devices,
      profiles: from.profiles,
      ephemeral: from.ephemeral,
    },
  };
}

async function poolFor(store: Store, effective: Layer): Promise<PoolRow> {
  const root = rootDisk(effective.devices);
  if (!root?.device.pool) {
    throw new DomainError(
      'invalid',
      'No root disk: add a disk device with path "/" and a pool, or a profile that has one',
      { details: { field: 'devices.root' } },
    );
  }
  const pool = await store.pools.findByName(root.device.pool);
  if (!pool || pool.phase !== 'ready') {
    throw new DomainError('not-found', `There is no storage pool "${root.device.pool}"`, {
      details: { field: `devices.${root.name}.pool` },
    });
  }
  return pool;
}

export interface Plan {
  row: InstanceRow;
  effective: Layer;
  pool: PoolRow;
  origin: Origin;
  snapshots: InstanceCreateParams['snapshots'];
}

/** A copy takes the snapshots along, unless it is of one of them or of the instance only. */
async function snapshotsFor(store: Store, row: InstanceRow, origin: Origin, request: CreateInstance) {
  const { type, instance_only, container_only } = request.source;
  if (type !== 'copy' || instance_only || container_only) return [];
  if (!origin.copyOf || origin.source.kind !== 'volume' || origin.source.snapshotId !== null) return [];
  const found = (await store.snapshots.ofInstance(origin.copyOf.id)).filter(({ phase }) => phase === 'ready');
  return found.map((snapshot) => ({
    row: { ...snapshot, id: mintId(), instanceId: row.id, config: withoutVolatile(snapshot.config) },
    from: snapshot.id,
  }));
}

function refuseUnsupported(request: CreateInstance): void {
  if (request.type === 'virtual-machine') {
    throw new DomainError('unsupported', 'This server runs containers only', { details: { field: 'type' } });
  }
  if (request.stateful)
    throw new DomainError('unsupported', 'Stateful instances are not supported', { details: { field: 'stateful' } });
}

/** What an instance has from its image, or from the one that it is a copy of. */
function inherited({
  image,
  copyOf,
}: Origin): Pick<InstanceRow, 'architecture' | 'imageFingerprint' | 'metadata' | 'templates'> {
  if (image) {
    const { architecture, fingerprint: imageFingerprint, metadata, templates } = image;
    return { architecture, imageFingerprint, metadata, templates };
  }
  if (copyOf) {
    const { architecture, imageFingerprint, metadata, templates } = copyOf;
    return { architecture, imageFingerprint, metadata, templates };
  }
  return { architecture: hostArchitecture(), imageFingerprint: null, metadata: null, templates: {} };
}

/** Everything that is wrong with a request is found here; nothing is changed. */
export async function planInstance(deps: BaseDeps, project: string, request: CreateInstance): Promise<Plan> {
  const { store } = deps;
  refuseUnsupported(request);
  const own = request.config ?? {};
  // A client that copies sends the source's volatile keys along; they are not its to set.
  const config = request.source.type === 'copy' ? withoutVolatile(own) : own;
  requireConfig('instance', config, { instanceType: 'container', allowReadOnly: request.source.type === 'copy' });
  requireDevices(request.devices ?? {}, 'container');
  const name = request.name ? request.name : await suggestName(store, project);
  if (await store.instances.findByName(project, name)) {
    throw new DomainError('exists', `There is an instance "${name}" already: choose another name`, {
      details: { field: 'name' },
    });
  }
  const origin = await resolveOrigin(deps, project, request.source);
  const row: InstanceRow = {
    id: mintId(),
    project,
    name,
    description: request.description ?? origin.copyOf?.description ?? '',
    type: 'container',
    ephemeral: request.ephemeral ?? origin.base.ephemeral,
    profiles: request.profiles ?? origin.base.profiles ?? ['default'],
    config: withoutEmpty({ ...origin.base.config, ...config }),
    devices: { ...origin.base.devices, ...(request.devices ?? {}) },
    phase: 'creating',
    desired: 'stopped',
    poolId: '',
    volumeId: mintId(),
    ...inherited(origin),
    createdAtMs: Date.now(),
    lastUsedAtMs: 0,
  };
  const effective = await effectiveOf(store, row);
  requireDevices(effective.devices, 'container');
  await checkReferences(deps, effective.devices, { exceptInstance: row.id });
  const pool = await poolFor(store, effective);
  row.poolId = pool.id;
  return { row, effective, pool, origin, snapshots: await snapshotsFor(store, row, origin, request) };
}

/** Mints what the host side needs. Until `release` the row counts as taken, though it is in no table yet. */
export async function reservePlan(
  deps: BaseDeps,
  plan: Plan,
): Promise<{ row: InstanceRow; ports: InstanceCreateParams['ports']; release: () => void }> {
  const row = await deps.live.exclusive('idmap', async () => {
    const config = await withIdmap(
      deps,
      plan.row.id,
      withVolatile(plan.row.config, plan.effective.devices),
      plan.effective.config,
    );
    const reserved = { ...plan.row, config };
    deps.live.reserved.set(reserved.id, reserved);
    return reserved;
  });
  const release = () => void deps.live.reserved.delete(row.id);
  try {
    const { ports } = await machineOf(deps, row, { pool: toPoolRef(plan.pool), effective: plan.effective });
    return {
      row,
      ports: ports.map(({ network, portId, hostName, hwaddr }) => ({ network, portId, hostName, hwaddr })),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

export function hostArchitecture(): string {
  return (
    {
      x64: 'x86_64',
      arm64: 'aarch64',
      arm: 'armv7l',
      ia32: 'i686',
      ppc64: 'ppc64le',
      s390x: 's390x',
      riscv64: 'riscv64',
    }[process.arch as string] ?? process.arch
  );
}
