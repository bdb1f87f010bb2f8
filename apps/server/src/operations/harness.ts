import { isFinished } from '@stapes/contract/operation';
import { describe, it } from 'vitest';
import { createEventHub } from '../events/event-hub.ts';
import type { Context } from '../services/context.ts';
import type { OperationRow } from '../store/store.ts';
import { createEngine } from './engine.ts';
import type { RunningEngine } from './engine-types.ts';
import { createMemoryStore } from './memory-store.ts';
import { forwardOnly } from './moves.ts';
import type { OperationStore } from './recovery.ts';
import type { Saga, Step } from './saga.ts';

/** The three harnesses that every saga goes through, written once. A world is what a saga changes: store and drivers, fakes or real. */
export interface HarnessCase<World, P> {
  name: string;
  /** A new world, in which the saga can run. */
  makeWorld(): Promise<World>;
  saga(world: World): Saga<P>;
  /** Same world, same params. */
  params(world: World): P;
  /** Throws unless the saga's work is done, whole. */
  verifyDone(world: World): Promise<void>;
  /** Throws unless the world is as it was made: no row, mount, volume, port, process or file more or less. */
  verifyClean(world: World): Promise<void>;
  /** What a restarted server would have of the world; default: all of it. */
  restart?(world: World): Promise<World>;
  disposeWorld?(world: World): Promise<void>;
}

const context: Context = {
  identity: { username: 'harness', protocol: 'unix' },
  project: 'default',
  requestId: 'harness',
  address: '@',
};
const never = new Promise<never>(() => undefined);

interface Fault {
  step: string;
  part: 'run' | 'undo';
  /** Before or after the effect. */
  when: 'before' | 'after';
}
type Faults = Set<Fault>;

/** Throws at each fault that is (still) in the set. */
function faulty<P>(saga: Saga<P>, faults: Faults): Saga<P> {
  const guard = async (step: string, part: Fault['part'], effect: () => Promise<void>) => {
    const here = [...faults].filter((fault) => fault.step === step && fault.part === part);
    for (const { when } of here) if (when === 'before') throw new Error(`injected before ${part} of ${step}`);
    await effect();
    for (const { when } of here) if (when === 'after') throw new Error(`injected after ${part} of ${step}`);
  };
  return mapSteps(saga, ({ name, run, undo }) => ({
    run: (params, tools) => guard(name, 'run', () => run(params, tools)),
    undo: (params, tools) => guard(name, 'undo', () => undo(params, tools)),
  }));
}

function doubled<P>(saga: Saga<P>): Saga<P> {
  return mapSteps(saga, ({ run, undo }) => ({
    async run(params, tools) {
      await run(params, tools);
      await run(params, tools);
    },
    async undo(params, tools) {
      await undo(params, tools);
      await undo(params, tools);
    },
  }));
}

/** Keeps the undo that marks a step of no return: it is told by its identity. */
function mapSteps<P>(saga: Saga<P>, wrap: (step: Step<P>) => Pick<Step<P>, 'run' | 'undo'>): Saga<P> {
  const steps = saga.steps.map((step) => {
    const bound: Step<P> = {
      name: step.name,
      run: (params, tools) => step.run(params, tools),
      undo: (params, tools) => step.undo(params, tools),
    };
    const { run, undo } = wrap(bound);
    return { name: step.name, run, undo: destroys(saga, step) ? step.undo : undo };
  });
  return { ...saga, steps };
}

function destroys<P>(saga: Saga<P>, step: Step<P>): boolean {
  return forwardOnly(saga as Saga<unknown>, [{ step: step.name, event: 'started' }]);
}

class Run<World, P> {
  readonly world: World;
  readonly store: OperationStore;
  readonly #case: HarnessCase<World, P>;
  readonly #wrap: (saga: Saga<P>) => Saga<P>;
  engine: RunningEngine;
  readonly #saga: Saga<P>;

  constructor(options: {
    world: World;
    store: OperationStore;
    testCase: HarnessCase<World, P>;
    wrap: (saga: Saga<P>) => Saga<P>;
  }) {
    this.world = options.world;
    this.store = options.store;
    this.#case = options.testCase;
    this.#wrap = options.wrap;
    this.#saga = this.#wrap(this.#case.saga(this.world));
    this.engine = createEngine({ store: this.store, events: createEventHub(), sagas: [this.#saga as Saga<unknown>] });
  }

  async start(): Promise<string> {
    const options = { description: this.#case.name, locks: ['harness:lock'], resources: {} };
    const { id } = await this.engine.startSaga(context, this.#saga, this.#case.params(this.world), options);
    await this.engine.idle();
    return id;
  }

  async row(): Promise<OperationRow | null> {
    return (await this.store.operations.newest(1))[0] ?? null;
  }

  /** Verifies what the operation says of the world. `heal` takes away the reason for which it may be stuck. */
  async verify(heal: () => void = () => undefined): Promise<OperationRow | null> {
    let row = await this.row();
    if (row?.stuck) {
      heal();
      await this.engine.retry(context, row.id);
      await this.engine.idle();
      row = await this.row();
    }
    if (row?.stuck || (row && !isFinished(row)))
      throw new Error(`the operation does not come to rest: ${row.status}, ${row.error}`);
    if (row?.status === 'Success') await this.#case.verifyDone(this.world);
    else await this.#case.verifyClean(this.world);
    await this.engine.withLocks(['harness:lock'], async () => undefined);
    return row;
  }
}

/** Makes a world, gives it to the check, and puts what was tried in front of the message of what is thrown. */
async function within<World, P>(
  testCase: HarnessCase<World, P>,
  label: string,
  check: (world: World) => Promise<void>,
): Promise<void> {
  const world = await testCase.makeWorld();
  try {
    await check(world);
  } catch (error) {
    if (error instanceof Error) error.message = `${label}: ${error.message}`;
    throw error;
  } finally {
    await testCase.disposeWorld?.(world);
  }
}

async function stepsOf<World, P>(testCase: HarnessCase<World, P>): Promise<{ name: string; destroys: boolean }[]> {
  let steps: { name: string; destroys: boolean }[] = [];
  await within(testCase, 'making the saga', async (world) => {
    const saga = testCase.saga(world);
    steps = saga.steps.map((step) => ({ name: step.name, destroys: destroys(saga, step) }));
  });
  return steps;
}

/** The last step from which the way back is open. */
function lastUndoable(steps: { name: string; destroys: boolean }[]): string | null {
  const first = steps.findIndex((step) => step.destroys);
  return steps.slice(0, first === -1 ? steps.length : first).at(-1)?.name ?? null;
}

function expectStatus(row: OperationRow | null, status: OperationRow['status']): void {
  if (row?.status !== status)
    throw new Error(`the operation ended with ${row?.status ?? 'nothing'} instead of ${status}: ${row?.error ?? ''}`);
}

/** Harness 1: every step, and every undo, run twice. */
export async function everyStepTwice<World, P>(testCase: HarnessCase<World, P>): Promise<void> {
  await within(testCase, 'every step twice', async (world) => {
    const run = new Run({ world, store: createMemoryStore(), testCase, wrap: doubled });
    await run.start();
    expectStatus(await run.verify(), 'Success');
  });
  const last = lastUndoable(await stepsOf(testCase));
  if (last === null) return;
  await within(testCase, `every undo twice, after a failure of ${last}`, async (world) => {
    const faults: Faults = new Set([{ step: last, part: 'run', when: 'after' }]);
    const run = new Run({ world, store: createMemoryStore(), testCase, wrap: (saga) => doubled(faulty(saga, faults)) });
    await run.start();
    expectStatus(await run.verify(), 'Failure');
  });
}

/** Harness 2: a failure at every step, before and after its effect, and of every undo. */
export async function failAtEveryStep<World, P>(testCase: HarnessCase<World, P>): Promise<void> {
  const steps = await stepsOf(testCase);
  const last = lastUndoable(steps);
  for (const when of ['before', 'after'] as const) {
    for (const [index, { name }] of steps.entries()) {
      await within(testCase, `failure ${when} the effect of ${name}`, async (world) => {
        const faults: Faults = new Set([{ step: name, part: 'run', when }]);
        const run = new Run({ world, store: createMemoryStore(), testCase, wrap: (saga) => faulty(saga, faults) });
        await run.start();
        const noWayBack = steps.slice(0, index + 1).some((step) => step.destroys);
        const row = await run.row();
        if (row?.stuck !== noWayBack)
          throw new Error(noWayBack ? 'the operation should wait for a retry' : `an undo failed: ${row?.error}`);
        if (!row.error.includes(`injected ${when} run of ${name}`)) throw new Error(`the reason is lost: ${row.error}`);
        expectStatus(await run.verify(() => faults.clear()), noWayBack ? 'Success' : 'Failure');
      });
      if (last === null || index > steps.findIndex((step) => step.name === last)) continue;
      await within(testCase, `failure ${when} the effect of the undo of ${name}`, async (world) => {
        const faults: Faults = new Set([
          { step: last, part: 'run', when: 'after' },
          { step: name, part: 'undo', when },
        ]);
        const run = new Run({ world, store: createMemoryStore(), testCase, wrap: (saga) => faulty(saga, faults) });
        await run.start();
        if (!(await run.row())?.stuck) throw new Error('the operation should be stuck');
        expectStatus(await run.verify(() => faults.clear()), 'Failure');
      });
    }
  }
}

/** A store of which the process "dies" at the n-th write: the write is kept or lost, and never returns. */
function mortal(
  store: OperationStore,
  at: number,
  kept: boolean,
): { store: OperationStore; killed: Promise<void>; writes(): number } {
  let count = 0;
  let die: () => void = () => undefined;
  const killed = new Promise<void>((resolve) => {
    die = resolve;
  });
  const record: OperationStore['operationLog']['record'] = async (entry) => {
    if (++count < at) return store.operationLog.record(entry);
    if (count === at && kept) await store.operationLog.record(entry);
    die();
    return never;
  };
  return {
    store: { operations: store.operations, operationLog: { ...store.operationLog, record } },
    killed,
    writes: () => count,
  };
}

/** Harness 3: the server killed at every write of the log, kept or lost, on the way forward and on the way back; and once more while it recovers. */
export async function killAtEveryLogRow<World, P>(testCase: HarnessCase<World, P>): Promise<void> {
  const last = lastUndoable(await stepsOf(testCase));
  const ways: Faults[] = [new Set()];
  if (last !== null) ways.push(new Set([{ step: last, part: 'run', when: 'after' }]));
  for (const faults of ways) {
    const wrap = (saga: Saga<P>) => faulty(saga, faults);
    const [direction, ends] = faults.size === 0 ? (['forward', 'Success'] as const) : (['back', 'Failure'] as const);
    let writes = 0;
    await within(testCase, `undisturbed, ${direction}`, async (world) => {
      const counted = mortal(createMemoryStore(), Infinity, true);
      await new Run({ world, store: counted.store, testCase, wrap }).start();
      writes = counted.writes();
    });
    for (let at = 1; at <= writes; at++) {
      for (const kept of [true, false])
        await killedAt({
          testCase,
          wrap,
          at,
          kept,
          ends,
          label: `killed ${direction}, write ${at} of ${writes} ${kept ? 'kept' : 'lost'}`,
        });
    }
  }
}

async function killedAt<World, P>(options: {
  testCase: HarnessCase<World, P>;
  wrap: (saga: Saga<P>) => Saga<P>;
  at: number;
  kept: boolean;
  ends: OperationRow['status'];
  label: string;
}): Promise<void> {
  const { testCase, wrap, at, kept, ends, label } = options;
  await within(testCase, label, async (made) => {
    const disk = createMemoryStore();
    const first = mortal(disk, at, kept);
    const ended = new Run({ world: made, store: first.store, testCase, wrap }).start();
    await Promise.race([first.killed, ended]);
    const second = mortal(disk, 2, false);
    const again = new Run({ world: (await testCase.restart?.(made)) ?? made, store: second.store, testCase, wrap });
    await again.engine.recover();
    await Promise.race([second.killed, again.engine.idle()]);
    const third = new Run({
      world: (await testCase.restart?.(again.world)) ?? again.world,
      store: disk,
      testCase,
      wrap,
    });
    await third.engine.recover();
    await third.engine.idle();
    if ((await third.row())?.stuck) throw new Error(`it is stuck after recovery: ${(await third.row())?.error}`);
    const row = await third.verify();
    if (row) expectStatus(row, ends);
  });
}

/** Declares the tests of one saga. */
export function runHarness<World, P>(testCase: HarnessCase<World, P>, timeoutMs = 120_000): void {
  describe(`${testCase.name}, by the harnesses`, () => {
    it('bears every step run twice', () => everyStepTwice(testCase), timeoutMs);
    it('leaves a clean slate when any step fails', () => failAtEveryStep(testCase), timeoutMs);
    it(
      'is done or undone when the server is killed at any write of its log',
      () => killAtEveryLogRow(testCase),
      timeoutMs,
    );
  });
}
