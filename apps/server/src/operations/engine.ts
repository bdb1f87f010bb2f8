import { randomUUID } from 'node:crypto';
import { DomainError, messageOf } from '@stapes/contract/errors';
import { isFinished, type Operation } from '@stapes/contract/operation';
import type { EventHub } from '../events/event-hub.ts';
import type { Context } from '../services/context.ts';
import type { OperationRow } from '../store/store.ts';
import { drive } from './drive.ts';
import type { OperationOptions, RunningEngine } from './engine-types.ts';
import { errorColumns, LiveOperation, recordRow } from './live-operation.ts';
import { Locks, type LockHolder } from './locks.ts';
import { Halted, OperationLog } from './log.ts';
import { findUnfinished, load, type OperationStore, type Resumable } from './recovery.ts';
import type { Saga, StepTools } from './saga.ts';
import { OperationSockets } from './sockets.ts';

export interface EngineOptions {
  store: OperationStore;
  events: EventHub;
  /** All sagas that there are: recovery finds them by their kind. */
  sagas: readonly Saga<unknown>[];
  log?: { error(details: object, message: string): void };
  now?: () => number;
}

/** How long an ended operation can still be asked for. */
const keptMs = 10_000;
const dayMs = 24 * 3600 * 1000;
const historyMs = 30 * dayMs;
const closeWaitMs = 5000;

interface Begin {
  context: Context;
  kind: string;
  class: OperationRow['class'];
  durable: boolean;
  params: unknown;
  options: OperationOptions;
}

class Engine implements RunningEngine {
  readonly #options: EngineOptions;
  readonly #sagas = new Map<string, Saga<unknown>>();
  readonly #locks = new Locks();
  readonly #live = new Map<string, LiveOperation>();
  readonly #sockets = new Map<string, OperationSockets>();
  readonly #running = new Set<Promise<void>>();
  readonly #closed = new AbortController();
  readonly #now: () => number;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    for (const saga of options.sagas) this.#register(saga);
  }

  #register(saga: Saga<unknown>): void {
    const names = new Set(saga.steps.map(({ name }) => name));
    if (this.#sagas.has(saga.kind) || names.size !== saga.steps.length || names.size === 0) {
      throw new DomainError(
        'internal',
        `The saga "${saga.kind}" is there twice, has no step or has two steps of one name`,
      );
    }
    this.#sagas.set(saga.kind, saga);
  }

  async startSaga<P>(context: Context, saga: Saga<P>, given: P, options: OperationOptions): Promise<Operation> {
    const known = this.#sagas.get(saga.kind);
    const first = known?.steps[0];
    if (!known || !first)
      throw new DomainError('internal', `The saga "${saga.kind}" is not registered: recovery could not find it`);
    // As recovery would read them: what does not survive JSON fails here and not after a crash.
    const params = known.params.parse(JSON.parse(JSON.stringify(given)));
    const live = this.#begin({ context, kind: saga.kind, class: 'task', durable: true, params, options });
    const log = new OperationLog({ store: this.#options.store, live, closed: this.#closed.signal });
    log.add(first.name, 'started');
    await this.#orForget(live, () => log.create());
    live.publish();
    this.#background(live, () => drive({ saga: known, params, live, log, closed: this.#closed.signal }));
    return live.show();
  }

  async startTask(
    context: Context,
    kind: string,
    options: OperationOptions,
    run: (tools: StepTools) => Promise<Record<string, unknown> | void>,
  ): Promise<Operation> {
    const live = this.#begin({ context, kind, class: 'task', durable: false, params: null, options });
    await this.#orForget(live, () => this.#options.store.operations.create(live.row));
    live.publish();
    this.#background(live, async () => {
      const change = await this.#runOnce(live, run);
      await this.#options.store.operationLog.record({ update: { id: live.row.id, change } });
    });
    return live.show();
  }

  async startSocket(
    context: Context,
    kind: string,
    options: Parameters<RunningEngine['startSocket']>[2],
  ): Promise<Operation> {
    const sockets = new OperationSockets(options, context.identity);
    const live = this.#begin({ context, kind, class: 'websocket', durable: false, params: null, options });
    this.#sockets.set(live.row.id, sockets);
    live.publish();
    this.#background(live, async () => void (await this.#runOnce(live, (tools) => options.run(tools))));
    const shown = live.show();
    return { ...shown, metadata: { ...shown.metadata, fds: { ...options.secrets } } };
  }

  get(id: string): Operation {
    return this.#find(id).show();
  }

  list(): Operation[] {
    return [...this.#live.values()].map((live) => live.show());
  }

  async wait(id: string, timeoutS: number): Promise<Operation> {
    const live = this.#find(id);
    if (timeoutS < 0) await live.ended;
    else if (!live.finished) await withTimeout(live.ended, timeoutS * 1000);
    return live.show();
  }

  async cancel(_context: Context, id: string): Promise<void> {
    const live = this.#find(id);
    if (!live.show().may_cancel)
      throw new DomainError(
        'wrong-state',
        `The operation "${live.row.description}" cannot be cancelled${live.finished ? ': it has ended' : ' now'}`,
      );
    live.abort.abort(new DomainError('cancelled', 'The operation was cancelled'));
    live.change({ status: 'Cancelling' });
    live.publish();
  }

  checkSecret(context: Context, id: string, secret: string): void {
    this.#socketsOf(id).check(context.identity, secret);
  }

  connectSocket(context: Context, id: string, secret: string, socket: import('ws').WebSocket): void {
    this.#socketsOf(id).connect(context.identity, secret, socket);
  }

  #socketsOf(id: string): OperationSockets {
    const live = this.#find(id);
    const sockets = this.#sockets.get(id);
    if (!sockets || live.finished)
      throw new DomainError(
        'wrong-state',
        `The operation "${live.row.description}" takes no connections${live.finished ? ': it has ended' : ''}`,
      );
    return sockets;
  }

  async history(limit: number) {
    const rows = await this.#options.store.operations.newest(limit);
    const stored = new Set(rows.map(({ id }) => id));
    const onlyLive = [...this.#live.values()]
      .filter(({ row }) => !stored.has(row.id) && row.class === 'websocket')
      .map((live) => live.record());
    const records = [...onlyLive, ...rows.map((row) => this.#live.get(row.id)?.record() ?? recordRow(row))];
    return records.sort((a, b) => b.created_at.localeCompare(a.created_at)).slice(0, limit);
  }

  async retry(_context: Context, id: string): Promise<Operation> {
    const { store } = this.#options;
    const row = await store.operations.get(id);
    const running = this.#live.get(id);
    const atRest = isFinished(row) && !row.stuck;
    if (atRest || (running && !running.finished))
      throw new DomainError(
        'wrong-state',
        `The operation "${row.description}" is not stuck: there is nothing to retry`,
      );
    let resumable: Resumable;
    try {
      resumable = await load(store, this.#sagas, row);
    } catch (cause) {
      throw new DomainError(
        'unsupported',
        `The operation "${row.description}" cannot be retried: ${messageOf(cause)}`,
        { cause },
      );
    }
    running?.release(); // it may hold its locks still, when its log could not be written
    const holder: LockHolder = { description: row.description, operationId: id };
    const live = this.#resume(resumable, this.#locks.take(row.locks, holder));
    return live.show();
  }

  async withLocks<T>(locks: readonly string[], run: () => Promise<T>): Promise<T> {
    const release = this.#locks.take(locks, { description: 'Changing the configuration', operationId: null });
    try {
      return await run();
    } finally {
      release();
    }
  }

  async recover(): Promise<void> {
    const { store } = this.#options;
    const forgetOld = () => store.operations.removeOlderThan(this.#now() - historyMs);
    await forgetOld();
    const daily = setInterval(
      () =>
        void forgetOld().catch((err: unknown) => this.#options.log?.error({ err }, 'old operations cannot be removed')),
      dayMs,
    );
    daily.unref();
    this.#closed.signal.addEventListener('abort', () => clearInterval(daily));
    const unfinished = await findUnfinished(store, this.#sagas);
    const releases = unfinished.map(({ row }) =>
      this.#locks.retake(row.locks, { description: row.description, operationId: row.id }),
    );
    unfinished.forEach((resumable, index) => this.#resume(resumable, releases[index] ?? (() => undefined)));
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const live of this.#live.values()) {
      live.silence();
      live.abort.abort(new DomainError('unavailable', 'The server ends'));
    }
    await withTimeout(this.idle(), closeWaitMs);
  }

  #find(id: string): LiveOperation {
    const live = this.#live.get(id);
    if (!live)
      throw new DomainError('not-found', `There is no operation "${id}"; those that have ended are in the history`);
    return live;
  }

  #begin({ context, kind, class: operationClass, durable, params, options }: Begin): LiveOperation {
    if (this.#closed.signal.aborted)
      throw new DomainError('unavailable', 'The server is about to end; try again when it is back');
    const now = this.#now();
    const row: OperationRow = {
      ...{ id: randomUUID(), kind, class: operationClass, durable, params, description: options.description },
      ...{
        project: context.project,
        requestor: context.identity.username,
        status: 'Running',
        stuck: false,
        errorCode: '',
        error: '',
      },
      ...{
        locks: [...options.locks],
        resources: options.resources,
        metadata: options.metadata ?? {},
        createdAtMs: now,
        updatedAtMs: now,
      },
    };
    const release = this.#locks.take(options.locks, { description: options.description, operationId: row.id });
    return this.#add(row, release, options.cancelable ?? false);
  }

  #add(row: OperationRow, release: () => void, cancelable: boolean): LiveOperation {
    const live = new LiveOperation(row, { events: this.#options.events, now: this.#now, cancelable, release });
    this.#live.set(row.id, live);
    return live;
  }

  #resume({ row, saga, params, log: lines }: Resumable, release: () => void): LiveOperation {
    const live = this.#add(
      { ...row, status: row.errorCode === 'cancelled' ? 'Cancelling' : 'Running', stuck: false },
      release,
      false,
    );
    const log = new OperationLog({ store: this.#options.store, live, closed: this.#closed.signal }, lines);
    live.publish();
    this.#background(live, async () => {
      await log.commit({ status: live.row.status, stuck: false });
      await drive({ saga, params, live, log, closed: this.#closed.signal });
    });
    return live;
  }

  /** Runs what is no saga to its end, and says what becomes of its row. */
  async #runOnce(
    live: LiveOperation,
    run: (tools: StepTools) => Promise<Record<string, unknown> | void>,
  ): Promise<Partial<OperationRow>> {
    let end: Partial<OperationRow>;
    try {
      const result = await run(live.tools());
      end = { status: 'Success', metadata: { ...live.row.metadata, ...result } };
    } catch (error) {
      const cancelled = live.abort.signal.aborted;
      end = { status: cancelled ? 'Cancelled' : 'Failure', ...errorColumns(error, cancelled) };
    }
    if (this.#closed.signal.aborted) throw new Halted('The server ends');
    const change = { metadata: live.row.metadata, ...end, updatedAtMs: this.#now() };
    live.change(change);
    return change;
  }

  /** Nothing of an operation stays when its first row cannot be written. */
  async #orForget(live: LiveOperation, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#live.delete(live.row.id);
      live.release();
      throw error;
    }
  }

  #background(live: LiveOperation, run: () => Promise<void>): void {
    const ended = run().then(
      () => this.#ended(live),
      (error: unknown) => this.#broke(live, error),
    );
    this.#running.add(ended);
    void ended.finally(() => this.#running.delete(ended));
  }

  #ended(live: LiveOperation, keepLocks = false): void {
    this.#sockets.delete(live.row.id);
    if (!keepLocks) live.release(); // before anybody learns that it has ended, so that who waited can go on at once
    live.finish();
    if (keepLocks) return;
    const timer = setTimeout(() => {
      // A retry may have put another in its place.
      if (this.#live.get(live.row.id) === live) this.#live.delete(live.row.id);
    }, keptMs);
    timer.unref();
  }

  /**
   * Halted: the next start resumes it. Anything else: the log could not be written, so it is left as it lies there, with its locks held, and a retry or the next
   * start drives it on.
   */
  #broke(live: LiveOperation, error: unknown): void {
    if (error instanceof Halted) return;
    this.#options.log?.error({ err: error, operation: live.row.id }, 'the operation log cannot be written');
    const text = `The operation log cannot be written: ${messageOf(error)}; retry the operation when the reason is gone`;
    live.change({ status: 'Failure', stuck: live.row.durable, errorCode: 'unavailable', error: text });
    this.#ended(live, live.row.durable);
  }
}

async function withTimeout(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1));
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function createEngine(options: EngineOptions): RunningEngine {
  return new Engine(options);
}
