import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runHarness, type HarnessCase } from '../operations/harness.ts';
import { imageFiles, imagesDirectory, makeUploadDirectory, uploadsDirectory } from '../services/image-files.ts';
import type { ImageBuildParams } from './image-build.ts';
import type { ImageDeleteParams } from './image-delete.ts';
import type { ImageImportParams } from './image-import.ts';
import type { NetworkParams } from './network-create.ts';
import type { NetworkUpdateParams } from './network-update.ts';
import type { PoolParams } from './pool-create.ts';
import type { PoolDeleteParams } from './pool-delete.ts';
import {
  disposeSagaWorld,
  furnish,
  image,
  makeSagaWorld,
  network,
  pool,
  poolRef,
  requestor,
  type SagaWorld,
} from './saga-world.ts';

const furnished = async (): Promise<SagaWorld> => {
  const world = await makeSagaWorld();
  await furnish(world);
  return world;
};
const uploadId = 'upload0000000000';
const fresh = { ...image, fingerprint: 'b'.repeat(64), split: true };
const importParams: ImageImportParams = {
  ...{ image: fresh, uploadId, metadataFile: 'metadata', rootfsFile: 'rootfs', requestor },
  aliases: [{ name: 'fresh', description: '' }],
};
const imageImport: HarnessCase<SagaWorld, ImageImportParams> = {
  name: 'image-import',
  async makeWorld() {
    const world = await furnished();
    const directory = await makeUploadDirectory(world.deps.config, uploadId);
    await writeFile(join(directory, 'metadata'), 'metadata');
    await writeFile(join(directory, 'rootfs'), 'rootfs');
    return world;
  },
  saga: (world) => world.sagas.imageImport,
  params: () => importParams,
  async verifyDone({ store, deps }) {
    expect((await store.images.get(fresh.fingerprint)).phase).toBe('ready');
    expect((await store.aliases.get('fresh')).fingerprint).toBe(fresh.fingerprint);
    const files = imageFiles(deps.config, fresh);
    expect(existsSync(files.metadataPath) && existsSync(files.rootfsPath ?? '')).toBe(true);
    expect(existsSync(join(uploadsDirectory(deps.config), uploadId))).toBe(false);
  },
  async verifyClean({ store, deps }) {
    expect(await store.images.find(fresh.fingerprint)).toBeNull();
    expect(await store.aliases.list()).toEqual([]);
    const files = imageFiles(deps.config, fresh);
    expect(existsSync(files.metadataPath) || existsSync(files.rootfsPath ?? '')).toBe(false);
  },
  disposeWorld: disposeSagaWorld,
};

const built = createHash('sha256').update('built').digest('hex');
/** What was built whole stays, so that only the upload's directory has to be clean. */
const noUpload = async ({ deps }: SagaWorld) => {
  expect(existsSync(join(uploadsDirectory(deps.config), uploadId))).toBe(false);
};
const imageBuild: HarnessCase<SagaWorld, ImageBuildParams> = {
  name: 'image-build',
  makeWorld: furnished,
  saga: (world) => world.sagas.imageBuild,
  params: () => ({ recipe: 'tiny', buildId: uploadId, requestor }),
  async verifyDone(world) {
    expect((await world.store.aliases.get('tiny')).fingerprint).toBe(built);
    expect(existsSync(join(imagesDirectory(world.deps.config), built))).toBe(true);
    await noUpload(world);
  },
  verifyClean: noUpload,
  disposeWorld: disposeSagaWorld,
};

const imageDelete: HarnessCase<SagaWorld, ImageDeleteParams> = {
  name: 'image-delete',
  async makeWorld() {
    const world = await furnished();
    const { deps, store, storage } = world;
    await mkdir(imagesDirectory(deps.config), { recursive: true });
    await writeFile(imageFiles(deps.config, image).metadataPath, 'image');
    await storage.images.ensure({ pool: poolRef, fingerprint: image.fingerprint }, async () => undefined);
    await store.aliases.create({ name: 'old', description: '', type: 'container', fingerprint: image.fingerprint });
    return world;
  },
  saga: (world) => world.sagas.imageDelete,
  params: () => ({ fingerprint: image.fingerprint, pools: [poolRef], requestor }),
  async verifyDone({ store, storage, deps }) {
    expect(await store.images.list()).toEqual([]);
    expect(await store.aliases.list()).toEqual([]);
    expect(await storage.images.has({ pool: poolRef, fingerprint: image.fingerprint })).toBe(false);
    expect(existsSync(imageFiles(deps.config, image).metadataPath)).toBe(false);
  },
  async verifyClean({ store, storage }) {
    expect((await store.images.get(image.fingerprint)).phase).toBe('ready');
    expect(await storage.images.has({ pool: poolRef, fingerprint: image.fingerprint })).toBe(true);
  },
  disposeWorld: disposeSagaWorld,
};

const verifyNetwork = async ({ store, networkHost }: SagaWorld) => {
  expect((await store.networks.get(network.id)).phase).toBe('ready');
  expect(networkHost.size).toBe(1);
};
const verifyNoNetwork = async ({ store, networkHost }: SagaWorld) => {
  expect(await store.networks.list()).toEqual([]);
  expect(networkHost.size).toBe(0);
};
const networkCreate: HarnessCase<SagaWorld, NetworkParams> = {
  name: 'network-create',
  makeWorld: () => makeSagaWorld(),
  saga: (world) => world.sagas.networkCreate,
  params: () => ({ network, requestor }),
  verifyDone: verifyNetwork,
  verifyClean: verifyNoNetwork,
  disposeWorld: disposeSagaWorld,
};
const networkDelete: HarnessCase<SagaWorld, NetworkParams> = {
  ...networkCreate,
  name: 'network-delete',
  makeWorld: furnished,
  saga: (world) => world.sagas.networkDelete,
  verifyDone: verifyNoNetwork,
  verifyClean: verifyNetwork,
};
const verifyMtu = (mtu: number | undefined) => async (world: SagaWorld) => {
  expect([...world.networkHost.values()].map(({ spec }) => spec.mtu)).toEqual([mtu]);
  const stored = (await world.store.networks.get(network.id)).config['bridge.mtu'];
  expect(stored).toBe(mtu === undefined ? undefined : String(mtu));
};
const networkUpdate: HarnessCase<SagaWorld, NetworkUpdateParams> = {
  name: 'network-update',
  makeWorld: furnished,
  saga: (world) => world.sagas.networkUpdate,
  params: () => ({
    before: network,
    after: { ...network, config: { ...network.config, 'bridge.mtu': '1400' } },
    requestor,
  }),
  verifyDone: verifyMtu(1400),
  verifyClean: verifyMtu(undefined),
  disposeWorld: disposeSagaWorld,
};

const verifyPool = async (world: SagaWorld) => {
  expect((await world.store.pools.get(pool.id)).phase).toBe('ready');
  await world.storage.poolUsage(poolRef);
};
const verifyNoPool = async (world: SagaWorld) => {
  expect(await world.store.pools.list()).toEqual([]);
  await expect(world.storage.poolUsage(poolRef)).rejects.toThrow();
};
const poolCreate: HarnessCase<SagaWorld, PoolParams> = {
  name: 'pool-create',
  makeWorld: () => makeSagaWorld(),
  saga: (world) => world.sagas.poolCreate,
  params: () => ({ pool, requestor }),
  verifyDone: verifyPool,
  verifyClean: verifyNoPool,
  disposeWorld: disposeSagaWorld,
};
const poolDelete: HarnessCase<SagaWorld, PoolDeleteParams> = {
  name: 'pool-delete',
  makeWorld: furnished,
  saga: (world) => world.sagas.poolDelete,
  params: () => ({ pool, fingerprints: [image.fingerprint], requestor }),
  verifyDone: verifyNoPool,
  verifyClean: verifyPool,
  disposeWorld: disposeSagaWorld,
};

runHarness(imageImport);
runHarness(imageBuild);
runHarness(imageDelete);
runHarness(networkCreate);
runHarness(networkDelete);
runHarness(networkUpdate);
runHarness(poolCreate);
runHarness(poolDelete);
