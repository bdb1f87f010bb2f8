import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runHarness, type HarnessCase } from '../operations/harness.ts';
import { machineOf } from '../services/machine.ts';
import type { SnapshotRow } from '../store/store.ts';
import type { InstanceCreateParams } from './instance-create.ts';
import type { InstanceDeleteParams } from './instance-delete.ts';
import type { InstanceRenameParams } from './instance-rename.ts';
import type { InstanceRestoreParams } from './instance-restore.ts';
import {
  disposeSagaWorld,
  furnish,
  image,
  instance,
  makeSagaWorld,
  network,
  poolRef,
  portsInUse,
  requestor,
  volumeExists,
  type SagaWorld,
} from './saga-world.ts';
import type { SnapshotCreateParams } from './snapshot-create.ts';
import { portIdOf } from '../services/machine.ts';

const ports = [
  {
    network: { id: network.id, name: network.name, interfaceName: network.name },
    portId: portIdOf(instance.id, 'eth0'),
    hostName: 'vethaaaa0001',
    hwaddr: '10:66:6a:00:00:01',
  },
];
const snapshot: SnapshotRow = {
  ...{ id: 'snap000000000000', instanceId: instance.id, name: 'snap0', description: '', config: instance.config },
  ...{ devices: {}, profiles: ['default'], ephemeral: false, phase: 'creating', createdAtMs: 1, expiresAtMs: null },
};
const furnished = async (): Promise<SagaWorld> => {
  const world = await makeSagaWorld();
  await furnish(world);
  return world;
};
const rootfs = (world: SagaWorld) => world.storage.volumes.rootfs({ pool: poolRef, id: instance.volumeId });

/** A stopped, or running, instance with a file in it. */
async function withInstance(options: { running: boolean; snapshot: boolean }): Promise<SagaWorld> {
  const world = await furnished();
  const { deps, store, storage } = world;
  await store.instances.create({ ...instance, phase: 'ready' });
  await storage.volumes.ensureEmpty({ pool: poolRef, id: instance.volumeId });
  await writeFile(join(rootfs(world), 'file'), 'old');
  const machine = await machineOf(deps, await store.instances.get(instance.id));
  for (const port of machine.ports) await deps.runtime.networks.bridge.ensurePort(port);
  await deps.runtime.instances.container.ensureConfigured(machine.spec);
  if (options.snapshot) {
    await store.snapshots.create({ ...snapshot, phase: 'ready' });
    await storage.volumes.ensureSnapshot({ pool: poolRef, id: instance.volumeId, snapshotId: snapshot.id });
    await writeFile(join(rootfs(world), 'file'), 'new');
  }
  if (options.running) await deps.power.start(instance.id, requestor);
  return world;
}

async function verifyNothingLeft(world: SagaWorld): Promise<void> {
  expect(await world.store.instances.list()).toEqual([]);
  expect(await world.store.snapshots.list()).toEqual([]);
  expect(world.instances.traces()).toEqual([]);
  expect(portsInUse(world)).toBe(0);
  expect(volumeExists(world, instance.volumeId)).toBe(false);
}

const createBase: InstanceCreateParams = {
  ...{ instance, pool: poolRef, ports, start: true, trigger: 'create', requestor },
  source: { kind: 'image', fingerprint: image.fingerprint },
};
async function verifyCreated(world: SagaWorld): Promise<void> {
  const row = await world.store.instances.get(instance.id);
  expect(row).toMatchObject({ name: 'web', phase: 'ready', desired: 'running' });
  expect(row.imageFingerprint).not.toBeNull();
  expect((await world.instances.inspect({ id: instance.id })).status).toBe('Running');
  expect(portsInUse(world)).toBe(1);
  expect(existsSync(rootfs(world))).toBe(true);
}

const create: HarnessCase<SagaWorld, InstanceCreateParams> = {
  name: 'instance-create from an image',
  makeWorld: furnished,
  saga: (world) => world.sagas.instanceCreate,
  params: () => createBase,
  verifyDone: verifyCreated,
  verifyClean: verifyNothingLeft,
  disposeWorld: disposeSagaWorld,
};
const createFromRecipe: HarnessCase<SagaWorld, InstanceCreateParams> = {
  ...create,
  name: 'instance-create from a recipe that is not built',
  params: () => ({
    ...createBase,
    instance: { ...instance, imageFingerprint: null, metadata: null, templates: {} },
    source: { kind: 'recipe', recipe: 'tiny', buildId: 'build00000000000' },
  }),
};
const copy: HarnessCase<SagaWorld, InstanceCreateParams> = {
  ...create,
  name: 'instance-create as a copy of a snapshot',
  async makeWorld() {
    const world = await furnished();
    await world.storage.volumes.ensureEmpty({ pool: poolRef, id: 'source0000000000' });
    await world.storage.volumes.ensureSnapshot({
      pool: poolRef,
      id: 'source0000000000',
      snapshotId: 'sourcesnap000000',
    });
    return world;
  },
  params: () => ({
    ...createBase,
    trigger: 'copy',
    source: { kind: 'volume', volumeId: 'source0000000000', snapshotId: 'sourcesnap000000' },
  }),
};
const remove: HarnessCase<SagaWorld, InstanceDeleteParams> = {
  name: 'instance-delete',
  makeWorld: () => withInstance({ running: false, snapshot: true }),
  saga: (world) => world.sagas.instanceDelete,
  params: () => ({
    ...{ id: instance.id, name: 'web', project: 'default', volumeId: instance.volumeId, pool: poolRef },
    ...{ snapshotIds: [snapshot.id], ports, requestor },
  }),
  verifyDone: verifyNothingLeft,
  async verifyClean(world) {
    expect((await world.store.instances.get(instance.id)).phase).toBe('ready');
    expect(volumeExists(world, instance.volumeId)).toBe(true);
    expect(portsInUse(world)).toBe(1);
  },
  disposeWorld: disposeSagaWorld,
};

const verifyNamed = (name: string) => async (world: SagaWorld) => {
  expect((await world.store.instances.get(instance.id)).name).toBe(name);
  expect(world.instances.specOf({ id: instance.id })?.hostname).toBe(name);
  expect(
    [...world.networkHost.values()].flatMap((found) => [...found.ports.values()].map(({ hostname }) => hostname)),
  ).toEqual([name]);
};
const rename: HarnessCase<SagaWorld, InstanceRenameParams> = {
  name: 'instance-rename',
  makeWorld: () => withInstance({ running: false, snapshot: false }),
  saga: (world) => world.sagas.instanceRename,
  params: () => ({ id: instance.id, from: 'web', to: 'shop', project: 'default', requestor }),
  verifyDone: verifyNamed('shop'),
  verifyClean: verifyNamed('web'),
  disposeWorld: disposeSagaWorld,
};

const restore: HarnessCase<SagaWorld, InstanceRestoreParams> = {
  name: 'instance-restore of a running instance',
  makeWorld: () => withInstance({ running: true, snapshot: true }),
  saga: (world) => world.sagas.instanceRestore,
  params: () => ({
    ...{ id: instance.id, name: 'web', project: 'default', volumeId: instance.volumeId, pool: poolRef },
    ...{ snapshot: { ...snapshot, phase: 'ready' }, wasRunning: true, requestor },
  }),
  async verifyDone(world) {
    expect(await readFile(join(rootfs(world), 'file'), 'utf8')).toBe('old');
    expect((await world.instances.inspect({ id: instance.id })).status).toBe('Running');
    expect((await world.store.instances.get(instance.id)).config['volatile.uuid.generation']).toBeDefined();
  },
  async verifyClean(world) {
    expect(await readFile(join(rootfs(world), 'file'), 'utf8')).toBe('new');
    expect((await world.instances.inspect({ id: instance.id })).status).toBe('Running');
  },
  disposeWorld: disposeSagaWorld,
};

const snapshotParams: SnapshotCreateParams = {
  ...{ snapshot, instance: 'web', project: 'default', volumeId: instance.volumeId, pool: poolRef, requestor },
};
const snapshotRootfs = (world: SagaWorld) =>
  world.storage.volumes.snapshotRootfs({ pool: poolRef, id: instance.volumeId, snapshotId: snapshot.id });
const verifySnapshot = async (world: SagaWorld) => {
  expect((await world.store.snapshots.get(snapshot.id)).phase).toBe('ready');
  expect(existsSync(snapshotRootfs(world))).toBe(true);
};
const verifyNoSnapshot = async (world: SagaWorld) => {
  expect(await world.store.snapshots.list()).toEqual([]);
  expect(existsSync(snapshotRootfs(world))).toBe(false);
};
const snapshotCreate: HarnessCase<SagaWorld, SnapshotCreateParams> = {
  name: 'snapshot-create',
  makeWorld: () => withInstance({ running: true, snapshot: false }),
  saga: (world) => world.sagas.snapshotCreate,
  params: () => snapshotParams,
  verifyDone: verifySnapshot,
  verifyClean: verifyNoSnapshot,
  disposeWorld: disposeSagaWorld,
};
const snapshotDelete: HarnessCase<SagaWorld, SnapshotCreateParams> = {
  name: 'snapshot-delete',
  makeWorld: () => withInstance({ running: false, snapshot: true }),
  saga: (world) => world.sagas.snapshotDelete,
  params: () => snapshotParams,
  verifyDone: verifyNoSnapshot,
  verifyClean: verifySnapshot,
  disposeWorld: disposeSagaWorld,
};

runHarness(create);
runHarness(createFromRecipe);
runHarness(copy);
runHarness(remove);
runHarness(rename);
runHarness(restore);
runHarness(snapshotCreate);
runHarness(snapshotDelete);
