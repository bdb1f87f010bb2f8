import { DomainError } from '@stapes/contract/errors';
import type { ServerEvent } from '@stapes/contract/event';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { createEventHub } from '../events/event-hub.ts';
import type { Context } from '../services/context.ts';
import { openStore } from '../store/open-store.ts';
import type { OperationRow, Store } from '../store/store.ts';
import { createEngine } from './engine.ts';
import type { OperationOptions, RunningEngine } from './engine-types.ts';
import { nothingToUndo, type Saga, type Step } from './saga.ts';

const context: Context = {
  identity: { username: 'root', protocol: 'unix' },
  project: 'default',
  requestId: 'r',
  address: '@',
};
const stranger: Context = { ...context, identity: { username: 'eve', protocol: 'session' } };
const options = (change: Partial<OperationOptions> = {}): OperationOptions => ({
  description: 'Testing',
  locks: ['instance:a'],
  resources: { instances: ['/1.0/instances/a'] },
  ...change,
});

interface Params {
  name: string;
}
let store: Store;
let did: string[] = [];
let engines: RunningEngine[] = [];
let published: ServerEvent[] = [];

function step(name: string, change: Partial<Step<Params>> = {}): Step<Params> {
  return {
    name,
    async run(params) {
      did.push(`${name} ${params.name}`);
    },
    async undo() {
      did.push(`undo ${name}`);
    },
    ...change,
  };
}
function failing(name: string, error: Error = new DomainError('no-space', 'The pool is full')): Step<Params> {
  return step(name, { run: () => Promise.reject(error) });
}
const saga = (...steps: Step<Params>[]): Saga<Params> => ({
  kind: 'test',
  params: z.object({ name: z.string() }),
  steps,
});
function engineOf(...sagas: Saga<Params>[]): RunningEngine {
  const events = createEventHub();
  events.subscribe(
    { types: ['operation'], project: null, onOverflow: () => undefined },
    (event) => void published.push(event),
  );
  const engine = createEngine({ store, events, sagas: sagas as Saga<unknown>[] });
  engines.push(engine);
  return engine;
}
/** A step that waits until it is let go, or cancelled. */
function gate(name: string) {
  let open: () => void = () => undefined;
  let reached: () => void = () => undefined;
  const opened = new Promise<void>((done) => (open = done));
  const entered = new Promise<void>((done) => (reached = done));
  const gated = step(name, {
    run: (_params, tools) =>
      new Promise<void>((done, fail) => {
        reached();
        void opened.then(done);
        tools.signal.addEventListener('abort', () => fail(tools.signal.reason as Error));
      }),
  });
  return { step: gated, open, entered };
}
const logOf = async (id: string) =>
  (await store.operationLog.of(id)).map(({ step: name, event }) => `${name} ${event}`);

beforeEach(async () => {
  store = await openStore({
    file: ':memory:',
    migrationsDir: resolve(import.meta.dirname, '../../../../prisma/sqlite/migrations'),
    backupsDir: '/nonexistent',
    log: { warn: () => undefined },
  });
  did = [];
  engines = [];
  published = [];
});
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await store.close();
});

describe('a saga', () => {
  it('runs its steps in order, and its log says so', async () => {
    const mine = saga(step('one'), step('two'), step('three'));
    const engine = engineOf(mine);
    const started = await engine.startSaga(context, mine, { name: 'a' }, options({ metadata: { x: 1 } }));
    expect(started).toMatchObject({
      status: 'Running',
      status_code: 103,
      class: 'task',
      metadata: { x: 1 },
      may_cancel: false,
      resources: { instances: ['/1.0/instances/a'] },
    });
    const ended = await engine.wait(started.id, -1);
    expect(ended).toMatchObject({ status: 'Success', status_code: 200, err: '', metadata: { x: 1 } });
    expect(did).toEqual(['one a', 'two a', 'three a']);
    expect(await logOf(started.id)).toEqual([
      'one started',
      'one done',
      'two started',
      'two done',
      'three started',
      'three done',
    ]);
    expect(await store.operations.get(started.id)).toMatchObject({
      status: 'Success',
      requestor: 'root',
      kind: 'test',
      params: null,
    });
    expect(published.at(0)).toMatchObject({ type: 'operation', metadata: { status: 'Running' } });
    expect(published.at(-1)).toMatchObject({ type: 'operation', metadata: { status: 'Success' } });
    expect(engine.get(started.id).status).toBe('Success');
  });

  it('has each line on the disk before it acts on it', async () => {
    const seen: string[][] = [];
    let id = '';
    const looking = (name: string) =>
      step(name, {
        run: async () => void seen.push(await logOf(id)),
        undo: async () => void seen.push(await logOf(id)),
      });
    const mine = saga(
      looking('one'),
      step('two', { run: async () => void seen.push(await logOf(id)) }),
      failing('three'),
    );
    const engine = engineOf(mine);
    const original = store.operationLog.record;
    store.operationLog.record = async (entry) => {
      id ||= entry.create?.id ?? '';
      await original(entry);
    };
    await engine.startSaga(context, mine, { name: 'a' }, options());
    await engine.idle();
    expect(seen).toEqual([
      ['one started'],
      ['one started', 'one done', 'two started'],
      [
        'one started',
        'one done',
        'two started',
        'two done',
        'three started',
        'three failed',
        'three undo-started',
        'three undone',
        'two undo-started',
        'two undone',
        'one undo-started',
      ],
    ]);
  });

  it('that fails is undone from the step that failed to the first, and keeps the reason', async () => {
    const mine = saga(step('one'), step('two'), failing('three'), step('four'));
    const engine = engineOf(mine);
    const { id } = await engine.startSaga(context, mine, { name: 'a' }, options());
    expect(await engine.wait(id, -1)).toMatchObject({ status: 'Failure', status_code: 400, err: 'The pool is full' });
    expect(did).toEqual(['one a', 'two a', 'undo three', 'undo two', 'undo one']);
    expect(await store.operations.get(id)).toMatchObject({ status: 'Failure', errorCode: 'no-space', stuck: false });
    expect((await engine.history(5))[0]).toMatchObject({
      id,
      error_code: 'no-space',
      stuck: false,
      err: 'The pool is full',
    });
  });

  it('whose undo fails is stuck, and a retry goes on with the undo', async () => {
    let broken = true;
    const stubborn = step('two', {
      undo: async () => {
        if (broken) throw new Error('device is busy');
        did.push('undo two');
      },
    });
    const mine = saga(step('one'), stubborn, failing('three'));
    const engine = engineOf(mine);
    const { id } = await engine.startSaga(context, mine, { name: 'a' }, options());
    const stuck = await engine.wait(id, -1);
    expect(stuck.status).toBe('Failure');
    expect(stuck.err).toMatch(/^The pool is full .*"two" could not be undone: device is busy/);
    expect(await store.operations.get(id)).toMatchObject({ stuck: true });
    await engine.retry(context, id);
    expect((await engine.wait(id, -1)).err).toBe(stuck.err);
    broken = false;
    await engine.close();
    const next = engineOf(mine);
    await next.recover();
    await next.idle();
    expect(did).toEqual(['one a', 'two a', 'undo three']);
    expect((await next.retry(context, id)).status).toBe('Running');
    expect(await next.wait(id, -1)).toMatchObject({ status: 'Failure', err: 'The pool is full' });
    expect(did).toEqual(['one a', 'two a', 'undo three', 'undo two', 'undo one']);
    expect(await store.operations.get(id)).toMatchObject({ stuck: false, errorCode: 'no-space' });
    await expect(next.retry(context, id)).rejects.toMatchObject({ code: 'wrong-state' });
  });

  it('goes on forward only once a step that destroys has started', async () => {
    let broken = true;
    const destroy = step('destroy', {
      undo: nothingToUndo,
      run: async () => {
        if (broken) throw new Error('volume is busy');
        did.push('destroy');
      },
    });
    const mine = saga(step('mark'), destroy, step('forget', { undo: nothingToUndo }));
    const engine = engineOf(mine);
    const { id } = await engine.startSaga(context, mine, { name: 'a' }, options());
    expect((await engine.wait(id, -1)).err).toMatch(/volume is busy.*retry/);
    expect(await store.operations.get(id)).toMatchObject({ stuck: true });
    broken = false;
    await engine.retry(context, id);
    expect(await engine.wait(id, -1)).toMatchObject({ status: 'Success', err: '' });
    expect(did).toEqual(['mark a', 'destroy', 'forget a']);
  });

  it('can be cancelled in the middle, and is undone', async () => {
    const middle = gate('two');
    const mine = saga(step('one'), middle.step, step('three'));
    const engine = engineOf(mine);
    const { id, may_cancel } = await engine.startSaga(context, mine, { name: 'a' }, options({ cancelable: true }));
    expect(may_cancel).toBe(true);
    await middle.entered;
    await engine.cancel(context, id);
    expect(engine.get(id)).toMatchObject({ status: 'Cancelling', status_code: 104, may_cancel: false });
    expect(await engine.wait(id, -1)).toMatchObject({
      status: 'Cancelled',
      status_code: 401,
      err: 'The operation was cancelled',
    });
    expect(did).toEqual(['one a', 'undo two', 'undo one']);
    await expect(engine.cancel(context, id)).rejects.toMatchObject({ code: 'wrong-state' });
  });

  it('cannot be cancelled unless it says so, nor while it destroys', async () => {
    const first = gate('one');
    const destroy = { ...gate('two') };
    const mine = saga(first.step, { ...destroy.step, undo: nothingToUndo });
    const engine = engineOf(mine);
    const plain = await engine.startSaga(context, mine, { name: 'a' }, options());
    await expect(engine.cancel(context, plain.id)).rejects.toMatchObject({ code: 'wrong-state' });
    const other = await engine.startSaga(context, mine, { name: 'b' }, options({ cancelable: true, locks: [] }));
    first.open();
    await destroy.entered;
    await expect.poll(() => engine.get(other.id).may_cancel).toBe(false);
    await expect(engine.cancel(context, other.id)).rejects.toMatchObject({ code: 'wrong-state' });
    destroy.open();
    expect((await engine.wait(other.id, -1)).status).toBe('Success');
  });

  it('refuses params that would not survive the log', async () => {
    const mine = saga(step('one'));
    const engine = engineOf(mine);
    await expect(
      engine.startSaga(context, mine, { name: undefined as unknown as string }, options()),
    ).rejects.toThrow();
    await expect(
      engine.startSaga(context, { ...mine, kind: 'unknown' }, { name: 'a' }, options()),
    ).rejects.toMatchObject({ code: 'internal' });
    await engine.startSaga(context, mine, { name: 'a' }, options());
    await engine.idle();
    expect(did).toEqual(['one a']);
  });

  it('reports progress, five times a second at most, the last one too', async () => {
    const middle = gate('two');
    const busy = step('one', {
      run: async (_params, tools) => {
        for (let i = 0; i <= 100; i++) tools.progress('Unpacking', i / 100);
        tools.annotate({ fingerprint: 'abc' });
      },
    });
    const mine = saga(
      busy,
      step('wait', { run: (params, tools) => (tools.progress('Waiting', null), middle.step.run(params, tools)) }),
    );
    const engine = engineOf(mine);
    const { id } = await engine.startSaga(context, mine, { name: 'a' }, options());
    await middle.entered;
    await expect
      .poll(() => engine.get(id).metadata)
      .toMatchObject({ test_progress: 'Waiting', progress: { stage: 'Waiting' }, fingerprint: 'abc' });
    expect((await engine.history(1))[0]?.progress).toEqual({ step: 'wait', text: 'Waiting', fraction: null });
    middle.open();
    expect((await engine.wait(id, -1)).metadata).toEqual({ fingerprint: 'abc' });
    expect((await store.operations.get(id)).metadata).toEqual({ fingerprint: 'abc' });
    expect(published.length).toBeLessThan(20);
  });
});

describe('locks', () => {
  it('answer the second with who holds it, and are free when the first has ended', async () => {
    const wait = gate('one');
    const mine = saga(wait.step);
    const engine = engineOf(mine);
    const { id } = await engine.startSaga(context, mine, { name: 'a' }, options({ description: 'Stopping instance' }));
    await expect(
      engine.startSaga(context, mine, { name: 'b' }, options({ locks: ['instance:z', 'instance:a'] })),
    ).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('"Stopping instance"') });
    await expect(engine.withLocks(['instance:a'], async () => 1)).rejects.toMatchObject({ code: 'busy' });
    expect(await engine.withLocks(['instance:z'], async () => 1)).toBe(1);
    wait.open();
    await engine.wait(id, -1);
    expect(await engine.withLocks(['instance:a'], async () => 2)).toBe(2);
    await expect(engine.withLocks(['instance:a'], () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await engine.withLocks(['instance:a'], async () => 3)).toBe(3);
  });

  it('can be shared, but not with who wants it alone', async () => {
    const engine = engineOf(saga(step('one')));
    await engine.withLocks(['shared:image:x'], () =>
      engine.withLocks(['shared:image:x'], async () => {
        await expect(engine.withLocks(['image:x'], async () => 1)).rejects.toMatchObject({ code: 'busy' });
      }),
    );
    await engine.withLocks(['image:x'], async () => {
      await expect(engine.withLocks(['shared:image:x'], async () => 1)).rejects.toMatchObject({ code: 'busy' });
    });
    expect(await engine.withLocks(['image:x'], async () => 1)).toBe(1);
  });

  it('are not kept by an operation that could not be written', async () => {
    const mine = saga(step('one'));
    const engine = engineOf(mine);
    const record = store.operationLog.record;
    store.operationLog.record = () => Promise.reject(new Error('database or disk is full'));
    await expect(engine.startSaga(context, mine, { name: 'a' }, options())).rejects.toThrow('disk is full');
    expect([did, engine.list()]).toEqual([[], []]);
    store.operationLog.record = record;
    await engine.startSaga(context, mine, { name: 'a' }, options());
    await engine.idle();
    expect(did).toEqual(['one a']);
  });
});

describe('after the server has ended', () => {
  it('a saga goes on where it was, with its locks', async () => {
    const middle = gate('two');
    const mine = saga(step('one'), middle.step, step('three'));
    const first = engineOf(mine);
    const { id } = await first.startSaga(context, mine, { name: 'a' }, options());
    await middle.entered;
    await first.close();
    expect(await logOf(id)).toEqual(['one started', 'one done', 'two started']);
    await expect(first.startSaga(context, mine, { name: 'b' }, options())).rejects.toMatchObject({
      code: 'unavailable',
    });
    const second = engineOf(mine);
    await second.recover();
    await expect(second.withLocks(['instance:a'], async () => 1)).rejects.toMatchObject({ code: 'busy' });
    expect(second.get(id).status).toBe('Running');
    middle.open();
    expect((await second.wait(id, -1)).status).toBe('Success');
    expect(did).toEqual(['one a', 'three a']);
  });

  it('an operation that was not durable is shown as failed', async () => {
    const engine = engineOf(saga(step('one')));
    const { id } = await engine.startTask(
      context,
      'instance-stop',
      options(),
      (tools) => new Promise((_done, fail) => tools.signal.addEventListener('abort', () => fail(new Error('aborted')))),
    );
    await engine.close();
    const second = engineOf(saga(step('one')));
    await second.recover();
    expect(await store.operations.get(id)).toMatchObject({
      status: 'Failure',
      error: 'The server ended while it ran',
      stuck: false,
    });
    expect(await second.withLocks(['instance:a'], async () => 1)).toBe(1);
  });

  it('a saga of which this version knows nothing is stuck, and says why', async () => {
    const row: OperationRow = {
      id: 'old',
      kind: 'test',
      class: 'task',
      durable: true,
      description: 'Old',
      project: 'default',
      requestor: 'root',
      params: { name: 'a' },
      locks: [],
      resources: {},
      metadata: {},
      status: 'Running',
      stuck: false,
      errorCode: '',
      error: '',
      createdAtMs: Date.now(),
      updatedAtMs: Date.now(),
    };
    await store.operationLog.record({
      create: row,
      log: [{ operationId: 'old', step: 'gone', event: 'started', text: '', atMs: 1 }],
    });
    await store.operations.create({ ...row, id: 'older', kind: 'nobody' });
    await store.operations.create({ ...row, id: 'oldest', params: { name: 7 } });
    const engine = engineOf(saga(step('one')));
    await engine.recover();
    expect((await engine.history(9)).map(({ stuck, err }) => [stuck, err.includes('cannot be resumed')])).toEqual([
      [true, true],
      [true, true],
      [true, true],
    ]);
    await expect(engine.retry(context, 'old')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('"gone"'),
    });
    expect(did).toEqual([]);
  });
});

describe('a task', () => {
  it('ends with its result or its reason', async () => {
    const engine = engineOf();
    const good = await engine.startTask(context, 'k', options(), async () => ({ answer: 42 }));
    expect(await engine.wait(good.id, -1)).toMatchObject({ status: 'Success', metadata: { answer: 42 } });
    const bad = await engine.startTask(context, 'k', options(), () =>
      Promise.reject(new DomainError('timeout', 'It did not stop')),
    );
    expect(await engine.wait(bad.id, -1)).toMatchObject({ status: 'Failure', err: 'It did not stop' });
    expect(await store.operations.get(bad.id)).toMatchObject({ errorCode: 'timeout' });
  });

  it('can be waited for a while', async () => {
    const engine = engineOf();
    let finish: () => void = () => undefined;
    const { id } = await engine.startTask(context, 'k', options(), () => new Promise<void>((done) => (finish = done)));
    expect((await engine.wait(id, 0)).status).toBe('Running');
    finish();
    expect((await engine.wait(id, 60)).status).toBe('Success');
    expect(() => engine.get('nobody')).toThrow(DomainError);
    await expect(engine.wait('nobody', 1)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a websocket operation', () => {
  const secrets = { '0': 'a'.repeat(64), control: 'b'.repeat(64) };
  it('shows its secrets once, lets its creator in once a secret, and nobody else', async () => {
    const engine = engineOf();
    const connected: string[] = [];
    let finish: () => void = () => undefined;
    const socket = {} as WebSocket;
    const ended = new Promise<Record<string, unknown>>((done) => (finish = () => done({ return: 0 })));
    const started = await engine.startSocket(context, 'exec', {
      ...options({ metadata: { command: ['sh'] } }),
      secrets,
      run: () => ended,
      connect: (fd) => void connected.push(fd),
    });
    expect(started).toMatchObject({ class: 'websocket', metadata: { command: ['sh'], fds: secrets } });
    const everywhere = JSON.stringify([engine.get(started.id), engine.list(), await engine.history(5), published]);
    expect(everywhere).not.toContain(secrets['0']);
    expect(() => engine.connectSocket(stranger, started.id, secrets['0'], socket)).toThrow(
      expect.objectContaining({ code: 'forbidden' }) as Error,
    );
    expect(() => engine.connectSocket(context, started.id, 'c'.repeat(64), socket)).toThrow(
      expect.objectContaining({ code: 'forbidden' }) as Error,
    );
    expect(() => engine.connectSocket(context, started.id, '', socket)).toThrow(
      expect.objectContaining({ code: 'forbidden' }) as Error,
    );
    engine.connectSocket(context, started.id, secrets['0'], socket);
    expect(() => engine.connectSocket(context, started.id, secrets['0'], socket)).toThrow(
      expect.objectContaining({ code: 'forbidden' }) as Error,
    );
    engine.connectSocket(context, started.id, secrets.control, socket);
    expect(connected).toEqual(['0', 'control']);
    finish();
    expect(await engine.wait(started.id, -1)).toMatchObject({
      status: 'Success',
      metadata: { command: ['sh'], return: 0 },
    });
    expect(() => engine.connectSocket(context, started.id, secrets.control, socket)).toThrow(DomainError);
    expect(await store.operations.newest(5)).toEqual([]);
  });
});
