import { readdirSync } from 'node:fs';
import { mintId } from '../store/mint-id.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLog } from '../log.ts';
import { fingerprint, furnishImage, image } from '../sagas/cases/saga-rows.ts';
import { disposeSagaWorld, makeSagaWorld, putFile, type SagaWorld } from '../sagas/cases/saga-world.ts';
import { clearLeftovers } from './clear-leftovers.ts';

let world: SagaWorld;
beforeEach(async () => void (world = await makeSagaWorld()));
afterEach(() => disposeSagaWorld(world));

const clear = () => clearLeftovers({ config: world.config, store: world.store, log: createLog('silent') });
const files = () => readdirSync(`${world.directory}/images`).sort();
const uploads = () => readdirSync(`${world.directory}/images/uploads`).sort();

it('has nothing to do on a new server', clear);

it('removes files of images without a row, and keeps those of images that are there', async () => {
  await furnishImage(world);
  const orphan = 'f'.repeat(64);
  await putFile(world, `images/${orphan}`, 'x');
  await putFile(world, `images/${orphan}.rootfs`, 'x');
  await putFile(world, 'images/notes.txt', 'not ours');
  await clear();
  expect(files()).toEqual([fingerprint, 'notes.txt'].sort());
});

it('removes uploads that no unfinished operation goes on with', async () => {
  await putFile(world, 'images/uploads/upload0000000001/metadata', 'x');
  await putFile(world, 'images/uploads/upload0000000002/metadata', 'x');
  const [now, text] = [Date.now(), ''];
  await world.store.operations.create({
    id: mintId(),
    kind: 'image-import',
    class: 'task',
    durable: true,
    description: text,
    project: 'default',
    requestor: text,
    params: { uploadId: 'upload0000000001', image },
    locks: [],
    resources: {},
    metadata: {},
    status: 'Running',
    stuck: false,
    errorCode: text,
    error: text,
    createdAtMs: now,
    updatedAtMs: now,
  });
  // Its image file may be in place already, and its row undone.
  await putFile(world, `images/${fingerprint}`, 'x');
  await clear();
  expect(uploads()).toEqual(['upload0000000001']);
  expect(files()).toEqual([fingerprint, 'uploads']);
});
