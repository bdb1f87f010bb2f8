import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Operation } from '@stapes/contract/operation';
import { TestServer, until } from '../support/server.ts';
import { expectInventory, inventoryOf, openLog, type Inventory } from './host-inventory.ts';

/** A server that is really killed, at every step of a create and of a delete, over a real container; then started again. */
const createSteps = ['record', 'build', 'image', 'volume', 'ports', 'configure', 'templates', 'ready', 'start'];
const deleteSteps = ['mark', 'terminals', 'unconfigure', 'ports', 'volume', 'forget'];
/** A step may be over before the kill arrives, on a busy machine. */
const attempts = 8;
const name = 'victim';
const server = new TestServer();
let before: Inventory;

beforeAll(async () => {
  await server.start();
  // Once there and back, so that what is made once (folders, sizes of files) is there.
  await create();
  await remove();
  before = inventoryOf(server);
});
afterAll(() => server.destroy());

const wanted = { name, source: { type: 'image', recipe: 'busybox' }, start: true };
const create = () => server.rest.finish('POST', '/1.0/instances', wanted);

async function stop(): Promise<void> {
  const state = { action: 'stop', force: true, timeout: 60 };
  await server.rest.finish('PUT', `/1.0/instances/${name}/state`, state);
}

/** The instance and every image, so that the next create builds and unpacks again. */
async function remove(): Promise<void> {
  const found = await server.rest.get(`/1.0/instances/${name}`);
  if (found.status === 200) {
    if (found.body.metadata.status !== 'Stopped') await stop();
    await server.rest.finish('DELETE', `/1.0/instances/${name}`);
  }
  for (const url of (await server.rest.get('/1.0/images')).body.metadata as string[])
    await server.rest.finish('DELETE', url);
}

interface Place {
  steps: string[];
  step: string;
  delayMs: number;
}
/** Sends the request, and kills the server as soon as the log on the disk shows that the step has started. Returns the step in which it died. */
async function killIn({ steps, step, delayMs }: Place, method: string, path: string, body?: unknown): Promise<string> {
  const log = openLog(server.stateDir);
  const query = log.prepare('SELECT operationId, step, event FROM operation_log ORDER BY sequence DESC LIMIT 1');
  type Line = { operationId: string; step: string; event: string } | undefined;
  // To its end: a statement that has rows left holds on to the state that it began with.
  const newest = () => (query.all() as Line[])[0];
  try {
    const earlier = newest()?.operationId;
    const answered = server.rest.call(method, path, body).catch(() => undefined);
    const endMs = Date.now() + 60_000;
    for (;;) {
      const line = newest();
      const isNew = line !== undefined && line.operationId !== earlier;
      if (isNew && steps.indexOf(line.step) >= steps.indexOf(step)) break;
      if (Date.now() > endMs)
        throw new Error(`The operation never came to step ${step}\n${server.output.slice(-2000)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    await server.kill('SIGKILL');
    await answered;
    const end = newest();
    return end?.event === 'started' ? end.step : `${end?.event} ${end?.step}`;
  } finally {
    log.close();
  }
}

/** Nothing that the killed one had begun is left unfinished. */
async function startAgain(): Promise<void> {
  await server.start();
  await until('unfinished operations to come to rest', 60_000, async () => {
    const { body } = await server.rest.get('/1.0/operations?recursion=1');
    const operations = Object.values(body.metadata as Record<string, Operation[]>).flat();
    return operations.every(({ status_code }) => status_code >= 200);
  });
  const log = openLog(server.stateDir);
  const unfinished = log.prepare(
    "SELECT kind, status, error FROM operations WHERE stuck = 1 OR status NOT IN ('Success', 'Failure', 'Cancelled')",
  );
  expect(unfinished.all()).toEqual([]);
  log.close();
}

async function expectWorking(): Promise<void> {
  const { body } = await server.rest.get(`/1.0/instances/${name}`);
  expect(body.metadata).toMatchObject({ name, status: 'Running' });
  const ended = await server.rest.finish('POST', `/1.0/instances/${name}/exec`, {
    command: ['true'],
    'wait-for-websocket': false,
  });
  expect(ended.metadata.return).toBe(0);
  await until('an address', 60_000, async () => {
    const state = (await server.rest.get(`/1.0/instances/${name}/state`)).body.metadata;
    const addresses = (state.network?.eth0?.addresses ?? []) as { family: string }[];
    return addresses.some(({ family }) => family === 'inet');
  });
}

async function createRound(step: string, delayMs: number): Promise<string> {
  const died = await killIn({ steps: createSteps, step, delayMs }, 'POST', '/1.0/instances', wanted);
  await startAgain();
  const found = await server.rest.get(`/1.0/instances/${name}`);
  // Either it exists and works, or nothing of it is there.
  if (found.status === 200) await expectWorking();
  else expect(found.status).toBe(404);
  await remove();
  await expectInventory(server, before);
  return died;
}

async function deleteRound(step: string, delayMs: number): Promise<string> {
  await create();
  await stop();
  const died = await killIn({ steps: deleteSteps, step, delayMs }, 'DELETE', `/1.0/instances/${name}`);
  await startAgain();
  const found = await server.rest.get(`/1.0/instances/${name}`);
  if (found.status === 200) {
    await server.rest.finish('PUT', `/1.0/instances/${name}/state`, { action: 'start', timeout: 60 });
    await expectWorking();
  } else expect(found.status).toBe(404);
  await remove();
  await expectInventory(server, before);
  return died;
}

async function untilHit(step: string, round: (step: string, delayMs: number) => Promise<string>): Promise<void> {
  const died: string[] = [];
  while (!died.includes(step) && died.length < attempts) died.push(await round(step, 0));
  expect(died).toContain(step);
}

test.each(createSteps)('killed in step "%s" of a create', (step) => untilHit(step, createRound));
test.each(deleteSteps)('killed in step "%s" of a delete', (step) => untilHit(step, deleteRound));

/** In the middle of what takes long, wherever that is. */
test.each([
  { step: 'build', delayMs: 30 },
  { step: 'build', delayMs: 90 },
  { step: 'image', delayMs: 20 },
  { step: 'start', delayMs: 40 },
  { step: 'start', delayMs: 120 },
])('killed $delayMs ms after the start of step $step of a create', async ({ step, delayMs }) => {
  await createRound(step, delayMs);
});
test.each([
  { step: 'unconfigure', delayMs: 15 },
  { step: 'volume', delayMs: 20 },
])('killed $delayMs ms after the start of step $step of a delete', async ({ step, delayMs }) => {
  await deleteRound(step, delayMs);
});
