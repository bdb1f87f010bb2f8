import { expect } from 'vitest';
import { toPoolRef } from '../../services/machine.ts';
import type { NetworkRow } from '../../store/store.ts';
import { sagaCase, type SagaCase } from './saga-case.ts';
import { fingerprint, furnish, furnishImage, image, network, pool } from './saga-rows.ts';
import { putFile, requestor, type Inventory, type SagaWorld } from './saga-world.ts';

const uploadId = 'upload0000000001';
/** Directories that hold nothing are nothing. */
const withoutFolders = (found: Inventory): Inventory => ({
  ...found,
  files: found.files.filter((path) => !['images/', 'images/uploads/', 'storage-pools/', 'disks/'].includes(path)),
});
/** A build is one step: when it was whole before something else failed, the image is whole and stays. */
function withoutWholeImages(found: Inventory): Inventory {
  const whole = found.images
    .filter((row) => row.phase === 'ready' && found.files.some((path) => path.startsWith(`images/${row.fingerprint} `)))
    .map((row) => row.fingerprint);
  const left = withoutFolders(found);
  return {
    ...left,
    images: left.images.filter((row) => !whole.includes(row.fingerprint)),
    aliases: left.aliases.filter((alias) => !whole.includes(alias.fingerprint)),
    files: left.files.filter((path) => !whole.some((id) => path.startsWith(`images/${id} `))),
  };
}

/** The image is unpacked in the pool, without an instance. */
async function unpackImage(world: SagaWorld): Promise<void> {
  await furnish(world);
  await furnishImage(world);
  const { images } = world.runtime.storage.fake ?? {};
  await images?.ensure({ pool: toPoolRef(pool), fingerprint }, async (directory) => {
    await putFile(world, `storage-pools/${pool.id}/images/${directory.split('/').at(-1)}/content`, 'an image');
  });
}

export const imageCases = {
  imageImport: [
    sagaCase({
      name: 'image-import of a split image with aliases',
      saga: (sagas) => sagas.imageImport,
      async prepare(world) {
        await furnish(world);
        await putFile(world, `images/uploads/${uploadId}/metadata`, 'an image');
        await putFile(world, `images/uploads/${uploadId}/rootfs`, 'and its files');
        const aliases = [
          { name: 'one', description: 'first' },
          { name: 'two', description: '' },
        ];
        const files = { metadataFile: 'metadata', rootfsFile: 'rootfs' };
        return { image: { ...image, split: true }, uploadId, ...files, aliases, requestor };
      },
      done(now) {
        expect(now.images).toMatchObject([{ fingerprint, phase: 'ready', split: true }]);
        expect(now.aliases.map((alias) => alias.name).sort()).toEqual(['one', 'two']);
        expect(now.files).toEqual(
          expect.arrayContaining([`images/${fingerprint} an image`, `images/${fingerprint}.rootfs and its files`]),
        );
        expect(now.files.filter((path) => path.includes(uploadId))).toEqual([]);
      },
      // The upload is the operation's, and goes with it either way.
      settle: (found) => ({
        ...withoutFolders(found),
        files: withoutFolders(found).files.filter((path) => !path.includes(uploadId)),
      }),
    }),
  ],
  imageBuild: [
    sagaCase({
      name: 'image-build',
      saga: (sagas) => sagas.imageBuild,
      async prepare(world) {
        await furnish(world);
        return { recipe: 'tiny', buildId: uploadId, requestor };
      },
      done(now) {
        const [alias] = now.aliases;
        expect(now.aliases.length).toBe(1);
        expect(now.images.map((row) => row.fingerprint)).toContain(alias?.fingerprint);
        expect(withoutWholeImages(now).images).toEqual([]);
        expect(now.files.filter((path) => path.includes(uploadId))).toEqual([]);
      },
      settle: withoutWholeImages,
    }),
  ],
  imageDelete: [
    sagaCase({
      name: 'image-delete of an image that a pool has unpacked',
      saga: (sagas) => sagas.imageDelete,
      async prepare(world) {
        await unpackImage(world);
        return { fingerprint, pools: [toPoolRef(pool)], requestor };
      },
      done(now) {
        expect([now.images, now.aliases]).toEqual([[], []]);
        expect(now.files.filter((path) => path.includes(fingerprint))).toEqual([]);
      },
    }),
  ],
} satisfies Record<string, SagaCase[]>;

const changed: NetworkRow = {
  ...network,
  description: 'changed',
  config: { ...network.config, 'ipv4.address': '10.9.7.1/24', 'ipv4.nat': 'true' },
};

export const networkCases = {
  networkCreate: [
    sagaCase({
      name: 'network-create',
      saga: (sagas) => sagas.networkCreate,
      prepare: async () => ({ network, requestor }),
      done(now) {
        expect(now.networkRows).toMatchObject([{ id: network.id, phase: 'ready' }]);
        expect(now.networks).toMatchObject([[network.id, { spec: { ipv4: { address: '10.9.8.1/24' } } }]]);
      },
    }),
  ],
  networkUpdate: [
    sagaCase({
      name: 'network-update',
      saga: (sagas) => sagas.networkUpdate,
      async prepare(world) {
        await furnish(world);
        return { before: network, after: changed, requestor };
      },
      done(now) {
        expect(now.networkRows).toMatchObject([{ description: 'changed', config: changed.config }]);
        expect(now.networks).toMatchObject([[network.id, { spec: { ipv4: { address: '10.9.7.1/24', nat: true } } }]]);
      },
    }),
  ],
  networkDelete: [
    sagaCase({
      name: 'network-delete',
      saga: (sagas) => sagas.networkDelete,
      async prepare(world) {
        await furnish(world);
        return { network, requestor };
      },
      done(now) {
        expect([now.networkRows, now.networks]).toEqual([[], []]);
      },
    }),
  ],
} satisfies Record<string, SagaCase[]>;

export const poolCases = {
  poolCreate: [
    sagaCase({
      name: 'pool-create',
      saga: (sagas) => sagas.poolCreate,
      prepare: async () => ({ pool, requestor }),
      done(now) {
        expect(now.pools).toMatchObject([{ id: pool.id, phase: 'ready' }]);
        expect(now.files).toContain(`storage-pools/${pool.id}/volumes/`);
      },
      settle: withoutFolders,
    }),
  ],
  poolDelete: [
    sagaCase({
      name: 'pool-delete of a pool that has unpacked an image',
      saga: (sagas) => sagas.poolDelete,
      async prepare(world) {
        await unpackImage(world);
        return { pool, fingerprints: [fingerprint], requestor };
      },
      done(now) {
        expect(now.pools).toEqual([]);
        expect(now.files.filter((path) => path.includes(pool.id))).toEqual([]);
        expect(now.images.length).toBe(1);
      },
      settle: withoutFolders,
    }),
  ],
} satisfies Record<string, SagaCase[]>;
