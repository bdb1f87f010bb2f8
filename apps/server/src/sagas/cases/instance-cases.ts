import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { toPoolRef } from '../../services/machine.ts';
import type { InstanceRow, PoolRow } from '../../store/store.ts';
import type { InstanceCreateParams } from '../instance-create.ts';
import { sagaCase, type SagaCase } from './saga-case.ts';
import {
  createParams,
  fingerprint,
  furnish,
  furnishImage,
  furnishInstance,
  furnishSnapshot,
  instance,
  pool,
  portsOf,
  snapshot,
  snapshotParams,
} from './saga-rows.ts';
import { putFile, requestor, sagasOf, runSteps, type Inventory, type SagaWorld } from './saga-world.ts';

/** What a pool has unpacked of a stored image is a cache, and so is the time of its last use. */
function withoutImageCache(found: Inventory): Inventory {
  return {
    ...found,
    images: found.images.map((row) => ({ ...row, lastUsedAtMs: null })),
    files: found.files.filter((path) => !/^storage-pools\/[^/]+\/images\/[0-9a-f]{64}(\/|$)/.test(path)),
  };
}
/** An image that a create has built is whole and stays, as others may use it by then; but nothing of it may be half there. */
function withoutBuiltImage(found: Inventory): Inventory {
  const built = found.aliases.filter(({ name }) => name === 'tiny').map((alias) => alias.fingerprint);
  const whole = built.filter((id) => found.files.some((path) => path.startsWith(`images/${id} `)));
  const left = withoutImageCache(found);
  return {
    ...left,
    images: left.images.filter((row) => !whole.includes(row.fingerprint)),
    aliases: left.aliases.filter((alias) => !whole.includes(alias.fingerprint)),
    files: left.files.filter((path) => path !== 'images/' && !whole.some((id) => path.startsWith(`images/${id} `))),
  };
}
const withoutUploads = (found: Inventory): Inventory => {
  const left = withoutBuiltImage(found);
  return { ...left, files: left.files.filter((path) => path !== 'images/uploads/') };
};

function verifyCreated(now: Inventory, row: InstanceRow, start: boolean, content: string | null): void {
  const status = start ? 'Running' : 'Stopped';
  expect(now.instances.find(({ id }) => id === row.id)).toMatchObject({
    phase: 'ready',
    desired: start ? 'running' : 'stopped',
  });
  expect(now.containers).toContainEqual([row.id, expect.objectContaining({ hostname: row.name }), status]);
  expect(now.networks.flatMap(([, { ports }]) => [...ports.keys()])).toContain(portsOf(row)[0]?.portId);
  const volume = `storage-pools/${pool.id}/volumes/${row.volumeId}`;
  expect(now.files).toContain(content === null ? `${volume}/` : `${volume}/content ${content}`);
  expect(now.files.filter((path) => path.includes('/.'))).toEqual([]);
}

/** What the template of the image has written. */
async function nameInside(world: SagaWorld, id: string): Promise<string | undefined> {
  const found = await world.container.can.files?.read({ ref: { id }, rootfs: '/', idmap: null, path: '/name' });
  return found?.stream ? text(found.stream as Readable) : undefined;
}

function createCase(options: {
  name: string;
  row?: InstanceRow;
  source: InstanceCreateParams['source'];
  start: boolean;
  content: string | RegExp | null;
  prepare(world: SagaWorld): Promise<void>;
}): SagaCase {
  const row = options.row ?? instance;
  return sagaCase({
    name: options.name,
    saga: (sagas) => sagas.instanceCreate,
    async prepare(world) {
      await options.prepare(world);
      return createParams(row, options.source, options.start);
    },
    async done(now, world) {
      const { content } = options;
      const built = content instanceof RegExp ? now.files.find((path) => content.test(path)) : content;
      verifyCreated(
        now,
        row,
        options.start,
        content instanceof RegExp ? (built?.split(' ').slice(1).join(' ') ?? '') : content,
      );
      if (row.metadata) expect(await nameInside(world, row.id)).toBe(row.name);
      expect(now.files.filter((path) => path.startsWith('images/uploads/') && path !== 'images/uploads/')).toEqual([]);
    },
    settle: withoutUploads,
  });
}

const copied: InstanceRow = {
  ...instance,
  id: 'inst000000000002',
  name: 'web2',
  volumeId: 'vol0000000000002',
  config: {
    ...instance.config,
    'volatile.eth0.hwaddr': '10:66:6a:00:00:02',
    'volatile.eth0.host_name': 'veth00000002',
  },
};

const volumeSource = {
  ...{ kind: 'volume' as const, instanceId: instance.id, volumeId: instance.volumeId, snapshotId: null },
  pool: toPoolRef(pool),
};
const otherPool: PoolRow = { ...pool, id: 'pool000000000002', name: 'other' };
/** What a copy may hold its source with. */
const holds = {
  nothing: null,
  'a snapshot': {
    kind: 'snapshot' as const,
    snapshot: { pool: toPoolRef(pool), id: instance.volumeId, snapshotId: 'hold000000000001' },
  },
  freezing: { kind: 'freeze' as const, instanceId: instance.id },
} satisfies Record<string, InstanceCreateParams['hold']>;

/** Into another pool, with the snapshot. */
const copiesElsewhere = Object.entries(holds).map(([how, hold]) =>
  sagaCase({
    name: `instance-create as a copy in another pool, with its snapshots, held by ${how}`,
    saga: (sagas) => sagas.instanceCreate,
    async prepare(world) {
      await furnishInstance(world, hold !== null);
      await furnishSnapshot(world);
      await runSteps(sagasOf(world).poolCreate, { pool: otherPool, requestor });
      const row = { ...copied, poolId: otherPool.id };
      const kept = { ...snapshot, id: 'snap000000000002', instanceId: row.id };
      return {
        ...createParams(row, volumeSource, true),
        pool: toPoolRef(otherPool),
        snapshots: [{ row: kept, from: snapshot.id }],
        hold,
      };
    },
    done(now) {
      const at = (rest: string) => `storage-pools/${otherPool.id}/${rest}/content an image`;
      expect(now.files).toContain(at(`volumes/${copied.volumeId}`));
      expect(now.files).toContain(at(`snapshots/${copied.volumeId}/snap000000000002`));
      expect(now.files.filter((path) => path.includes('hold000000000001'))).toEqual([]);
      expect(now.containers.find(([id]) => id === instance.id)?.[2]).toBe(hold ? 'Running' : 'Stopped');
      expect(now.snapshots.map(({ instanceId, name }) => [instanceId, name])).toEqual([
        [instance.id, 'before'],
        [copied.id, 'before'],
      ]);
    },
  }),
);

export const instanceCreateCases: SagaCase[] = [
  createCase({
    name: 'instance-create from an image, with start',
    source: { kind: 'image', fingerprint },
    start: true,
    content: 'an image',
    async prepare(world) {
      await furnish(world);
      await furnishImage(world);
    },
  }),
  createCase({
    name: 'instance-create from a recipe',
    row: { ...instance, imageFingerprint: null, metadata: null, templates: {} },
    source: { kind: 'recipe', recipe: 'tiny', buildId: 'build00000000001' },
    start: true,
    content: /^images\/[0-9a-f]{64} tiny \d+$/,
    prepare: furnish,
  }),
  createCase({
    name: 'instance-create of an empty instance',
    source: { kind: 'empty' },
    start: false,
    content: null,
    prepare: furnish,
  }),
  createCase({
    name: 'instance-create as a copy of a snapshot',
    row: copied,
    source: { ...volumeSource, snapshotId: snapshot.id },
    start: true,
    content: 'an image',
    async prepare(world) {
      await furnishInstance(world, false);
      await furnishSnapshot(world);
    },
  }),
  ...copiesElsewhere,
];

const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

export const instanceCases = {
  instanceCreate: instanceCreateCases,
  instanceDelete: [
    sagaCase({
      name: 'instance-delete with a snapshot, a terminal and recorded output',
      saga: (sagas) => sagas.instanceDelete,
      async prepare(world) {
        await furnishInstance(world, false);
        await furnishSnapshot(world);
        const command = { file: 'sh', args: [], env: {} };
        // The step that ends terminals may be undone: what it ended stays ended. So none is there when the slate is compared, and a stranger's is left alone.
        await world.runtime.terminals.create({ id: 'other', command, cols: 80, rows: 24, meta: { instanceId: 'x' } });
        await putFile(world, `exec-output/${instance.id}/exec_1.stdout`, 'said');
        const params = { id: instance.id, name: instance.name, project: 'default', volumeId: instance.volumeId };
        return {
          ...params,
          pool: toPoolRef(pool),
          snapshotIds: [snapshot.id],
          ports: portsOf(instance),
          requestor,
        };
      },
      done(now) {
        expect([now.instances, now.snapshots, now.containers]).toEqual([[], [], []]);
        expect(now.networks.flatMap(([, { ports }]) => [...ports])).toEqual([]);
        expect(now.files.filter((path) => path.includes(instance.id) || path.includes(instance.volumeId))).toEqual([]);
        expect(now.terminals).toEqual(['other']);
        expect(now.images.length).toBe(1);
      },
    }),
  ],
  instanceRename: [
    sagaCase({
      name: 'instance-rename',
      saga: (sagas) => sagas.instanceRename,
      async prepare(world) {
        await furnishInstance(world, false);
        return { id: instance.id, from: 'web1', to: 'web9', project: 'default', requestor };
      },
      async done(now, world) {
        expect(now.instances[0]?.name).toBe('web9');
        expect(now.containers).toMatchObject([[instance.id, { hostname: 'web9' }, 'Stopped']]);
        expect(now.networks.flatMap(([, { ports }]) => [...ports.values()].map(({ hostname }) => hostname))).toEqual([
          'web9',
        ]);
        expect(await nameInside(world, instance.id)).toBe('web9');
      },
    }),
  ],
  instanceRestore: [true, false].map((wasRunning) =>
    sagaCase({
      name: `instance-restore of a ${wasRunning ? 'running' : 'stopped'} instance`,
      saga: (sagas) => sagas.instanceRestore,
      async prepare(world) {
        await furnishInstance(world, wasRunning);
        await furnishSnapshot(world);
        await putFile(world, `storage-pools/${pool.id}/volumes/${instance.volumeId}/since`, 'then');
        return {
          id: instance.id,
          name: instance.name,
          project: 'default',
          volumeId: instance.volumeId,
          pool: toPoolRef(pool),
          snapshot,
          wasRunning,
          requestor,
        };
      },
      done(now) {
        const [row] = now.instances;
        expect(row?.config).toMatchObject({ 'user.then': 'yes', 'volatile.eth0.hwaddr': '10:66:6a:00:00:01' });
        expect(row?.desired).toBe(wasRunning ? 'running' : 'stopped');
        expect(now.containers).toMatchObject([[instance.id, {}, wasRunning ? 'Running' : 'Stopped']]);
        expect(now.files.filter((path) => path.includes('/volumes/') && path.endsWith('then'))).toEqual([]);
        expect(ids(now.snapshots)).toEqual([snapshot.id]);
      },
      // It was stopped and started again: the times differ.
      settle: (found) => ({ ...found, instances: found.instances.map((row) => ({ ...row, lastUsedAtMs: 0 })) }),
    }),
  ),
  snapshotCreate: [null, holds.freezing].map((hold) =>
    sagaCase({
      name: `snapshot-create${hold ? ' of an instance that is frozen for it' : ''}`,
      saga: (sagas) => sagas.snapshotCreate,
      async prepare(world) {
        await furnishInstance(world, true);
        return { ...snapshotParams, hold };
      },
      done(now) {
        expect(now.containers).toMatchObject([[instance.id, {}, 'Running']]);
        expect(now.snapshots).toMatchObject([{ id: snapshot.id, phase: 'ready' }]);
        const file = `storage-pools/${pool.id}/snapshots/${instance.volumeId}/${snapshot.id}/content an image`;
        expect(now.files).toContain(file);
      },
    }),
  ),
  snapshotDelete: [
    sagaCase({
      name: 'snapshot-delete',
      saga: (sagas) => sagas.snapshotDelete,
      async prepare(world) {
        await furnishInstance(world, true);
        await runSteps(sagasOf(world).snapshotCreate, snapshotParams);
        return snapshotParams;
      },
      done(now) {
        expect(now.snapshots).toEqual([]);
        expect(now.files.filter((path) => path.includes(snapshot.id))).toEqual([]);
        expect(ids(now.instances)).toEqual([instance.id]);
      },
    }),
  ],
} satisfies Record<string, SagaCase[]>;
