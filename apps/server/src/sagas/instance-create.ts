import { DomainError } from '@stapes/contract/errors';
import type { ImageRow } from '../store/store.ts';
import { parseBytes } from '@stapes/contract/units';
import type { SnapshotRef, VolumeRef } from '@stapes/runtime/storage/driver';
import { z } from 'zod';
import type { Saga, Step } from '../operations/saga.ts';
import { rootDisk } from '../services/expand.ts';
import { imageFiles, removeUploadDirectory, unpackLimits } from '../services/image-files.ts';
import { fromImage } from '../services/instance-plan.ts';
import { instanceUrl, publishLifecycle } from '../services/lifecycle.ts';
import { builtImage, ensureRecipeBuilt } from '../services/recipe-build.ts';
import { effectiveOf, machineOf, storageDriver } from '../services/machine.ts';
import { holdSchema, holdStep, releaseStep } from './hold.ts';
import { instanceRowSchema, poolRefSchema, portSchema, requestorSchema, snapshotRowSchema } from './row-schemas.ts';
import { leaveAsIs, type SagaDeps } from './saga-deps.ts';

const sourceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('image'), fingerprint: z.string() }),
  z.object({ kind: z.literal('recipe'), recipe: z.string(), buildId: z.string() }),
  z.object({ kind: z.literal('empty') }),
  z.object({
    kind: z.literal('volume'),
    /** That it is a copy of. */
    instanceId: z.string(),
    volumeId: z.string(),
    snapshotId: z.string().nullable(),
    /** Where the volume lies. */
    pool: poolRefSchema,
  }),
]);
export const instanceCreateParams = z.object({
  instance: instanceRowSchema,
  pool: poolRefSchema,
  ports: z.array(portSchema),
  source: sourceSchema,
  /** Snapshots that a copy takes along, with the ids of those that they are copies of. */
  snapshots: z.array(z.object({ row: snapshotRowSchema, from: z.string() })),
  /** What keeps the files of the source still. */
  hold: holdSchema.nullish(),
  start: z.boolean(),
  /** Which templates apply. */
  trigger: z.enum(['create', 'copy']),
  requestor: requestorSchema,
});
export type InstanceCreateParams = z.infer<typeof instanceCreateParams>;
type CreateStep = Step<InstanceCreateParams>;

function recordStep(deps: SagaDeps): CreateStep {
  return {
    name: 'record',
    async run({ instance }) {
      if (await deps.store.instances.find(instance.id)) return;
      await deps.store.instances.create({ ...instance, phase: 'creating' });
    },
    async undo({ instance }) {
      await deps.store.instances.remove(instance.id);
    },
  };
}

/** The image of the instance; one that is still to be built has none before the build step. */
async function imageOf(deps: SagaDeps, { source }: InstanceCreateParams): Promise<ImageRow | null> {
  if (source.kind === 'image') return deps.store.images.get(source.fingerprint);
  if (source.kind !== 'recipe') return null;
  const image = await builtImage(deps, source.recipe);
  if (!image)
    throw new DomainError('not-found', `The image ${source.recipe} was removed while the instance was made: try again`);
  return image;
}

/** Builds the image of a recipe when nobody has yet. What was built stays: others may use it already. */
function buildStep(deps: SagaDeps): CreateStep {
  return {
    name: 'build',
    async run({ instance, source, requestor }, tools) {
      if (source.kind !== 'recipe') return;
      const image = await ensureRecipeBuilt(
        deps,
        { recipe: source.recipe, buildId: source.buildId, replace: false, requestor },
        tools,
      );
      const row = await deps.store.instances.get(instance.id);
      await deps.store.instances.update(instance.id, fromImage(row, image));
    },
    async undo({ source }) {
      if (source.kind === 'recipe') await removeUploadDirectory(deps.config, source.buildId);
    },
  };
}

/** Unpacks an image once a pool. What was unpacked is a cache of a stored image, and stays when the create is undone. */
function imageStep(deps: SagaDeps): CreateStep {
  return {
    name: 'image',
    async run(params, tools) {
      const image = await imageOf(deps, params);
      if (!image) return;
      const { pool } = params;
      const { images } = storageDriver(deps, pool.driver);
      const ref = { pool, fingerprint: image.fingerprint };
      await deps.live.exclusive(`image ${pool.id} ${image.fingerprint}`, async () => {
        if (await images.has(ref)) return;
        tools.progress('Unpacking the image', null);
        await images.ensure(ref, (directory) =>
          deps.runtime.images.unpackRootfs(imageFiles(deps.config, image), directory, unpackLimits, {
            signal: tools.signal,
            progress: ({ text, fraction }) => tools.progress(text, fraction),
          }),
        );
      });
      await deps.store.images.update(image.fingerprint, { lastUsedAtMs: Date.now() });
    },
    undo: leaveAsIs,
  };
}

type VolumeSource = Extract<InstanceCreateParams['source'], { kind: 'volume' }>;

/** It may have been started since the copy was planned; from then on its locks keep it as it is. */
async function requireStill(deps: SagaDeps, { pool }: InstanceCreateParams, source: VolumeSource): Promise<void> {
  if (source.pool.id === pool.id && storageDriver(deps, pool.driver).can.snapshotsAreCheap) return;
  const { status } = await deps.runtime.instances.container.inspect({ id: source.instanceId });
  if (status !== 'Stopped' && status !== 'Frozen')
    throw new DomainError('wrong-state', 'The instance was started while its copy was prepared: try again');
}

async function copyVolume(
  deps: SagaDeps,
  target: VolumeRef | SnapshotRef,
  source: VolumeRef | SnapshotRef,
): Promise<void> {
  const { volumes } = storageDriver(deps, target.pool.driver);
  if (source.pool.id === target.pool.id) return volumes.ensureFromVolume(target, source);
  const from = storageDriver(deps, source.pool.driver).volumes;
  await volumes.ensureFromTree(target, 'snapshotId' in source ? from.snapshotRootfs(source) : from.rootfs(source));
}

function volumeStep(deps: SagaDeps): CreateStep {
  return {
    name: 'volume',
    async run(params) {
      const { instance, pool, source } = params;
      const { volumes, can } = storageDriver(deps, pool.driver);
      const volume = { pool, id: instance.volumeId };
      const image = await imageOf(deps, params);
      if (image) await volumes.ensureFromImage(volume, { pool, fingerprint: image.fingerprint });
      else if (source.kind === 'empty') await volumes.ensureEmpty(volume);
      else if (source.kind === 'volume') {
        const held = params.hold?.kind === 'snapshot' ? params.hold.snapshot.snapshotId : null;
        const snapshotId = source.snapshotId ?? held;
        if (snapshotId === null) await requireStill(deps, params, source);
        const snapshot = snapshotId === null ? {} : { snapshotId };
        await copyVolume(deps, volume, { pool: source.pool, id: source.volumeId, ...snapshot });
        for (const { row, from } of params.snapshots) {
          const kept = { pool: source.pool, id: source.volumeId, snapshotId: from };
          await copyVolume(deps, { ...volume, snapshotId: row.id }, kept);
        }
      }
      const size = rootDisk((await effectiveOf(deps.store, instance)).devices)?.device.size;
      if (size && can.quota) await volumes.setQuota(volume, parseBytes(size));
    },
    async undo({ instance, pool }) {
      await storageDriver(deps, pool.driver).volumes.remove({ pool, id: instance.volumeId });
    },
  };
}

function portsStep(deps: SagaDeps): CreateStep {
  return {
    name: 'ports',
    async run({ instance, pool }) {
      const { ports } = await machineOf(deps, await deps.store.instances.get(instance.id), { pool });
      for (const port of ports) await deps.runtime.networks.bridge.ensurePort(port);
    },
    async undo({ ports }) {
      for (const port of ports) await deps.runtime.networks.bridge.removePort(port);
    },
  };
}

function configureStep(deps: SagaDeps): CreateStep {
  return {
    name: 'configure',
    async run({ instance, pool }) {
      const { spec } = await machineOf(deps, await deps.store.instances.get(instance.id), { pool });
      await deps.runtime.instances.container.ensureConfigured(spec);
    },
    async undo({ instance }) {
      await deps.runtime.instances.container.removeConfigured({ id: instance.id });
    },
  };
}

function templatesStep(deps: SagaDeps): CreateStep {
  return {
    name: 'templates',
    async run({ instance, pool, trigger }) {
      await deps.templates.apply(await machineOf(deps, await deps.store.instances.get(instance.id), { pool }), trigger);
    },
    undo: leaveAsIs,
  };
}

function snapshotsStep(deps: SagaDeps): CreateStep {
  return {
    name: 'snapshots',
    async run({ snapshots }) {
      for (const { row } of snapshots)
        if (!(await deps.store.snapshots.find(row.id))) await deps.store.snapshots.create({ ...row, phase: 'ready' });
    },
    async undo({ snapshots }) {
      for (const { row } of snapshots) await deps.store.snapshots.remove(row.id);
    },
  };
}

function readyStep(deps: SagaDeps): CreateStep {
  return {
    name: 'ready',
    async run({ instance, requestor }) {
      await deps.store.instances.update(instance.id, { phase: 'ready' });
      publishLifecycle(deps, {
        action: 'instance-created',
        source: instanceUrl(instance.name),
        name: instance.name,
        project: instance.project,
        requestor,
      });
    },
    // Hides it again while the steps before are undone.
    async undo({ instance }) {
      if (await deps.store.instances.find(instance.id))
        await deps.store.instances.update(instance.id, { phase: 'deleting' });
    },
  };
}

function startStep(deps: SagaDeps): CreateStep {
  return {
    name: 'start',
    async run({ instance, start, requestor }, tools) {
      if (!start) return;
      tools.progress('Starting', null);
      await deps.power.start(instance.id, requestor);
    },
    async undo({ instance }) {
      await deps.runtime.instances.container.ensureStopped({ id: instance.id }, { graceMs: 0, force: true });
    },
  };
}

export function instanceCreateSaga(deps: SagaDeps): Saga<InstanceCreateParams> {
  return {
    kind: 'instance-create',
    params: instanceCreateParams,
    steps: [
      recordStep(deps),
      buildStep(deps),
      imageStep(deps),
      holdStep(deps),
      volumeStep(deps),
      releaseStep(deps),
      portsStep(deps),
      configureStep(deps),
      templatesStep(deps),
      snapshotsStep(deps),
      readyStep(deps),
      startStep(deps),
    ],
  };
}
