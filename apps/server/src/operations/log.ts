import { setTimeout as delay } from 'node:timers/promises';
import type { OperationLogRow, OperationRow, StepEvent, Store } from '../store/store.ts';
import type { LiveOperation } from './live-operation.ts';
import type { LogLine } from './moves.ts';

/** The server is going down: whoever gets this stops at once and writes nothing. */
export class Halted extends Error {}

const retryDelaysMs = [50, 200, 1000, 3000, 10_000];

/**
 * The log of one operation. A row that nothing depends on yet (`done`) waits for the next one that something does (`started`), and both go to the disk in one
 * transaction: one wait for the disk a step. `commit` returns when they are there; only then may the engine act.
 */
export class OperationLog {
  /** All lines, stored or about to be. */
  readonly lines: LogLine[];
  readonly #pending: Omit<OperationLogRow, 'sequence'>[] = [];
  readonly #store: Pick<Store, 'operationLog'>;
  readonly #live: LiveOperation;
  readonly #closed: AbortSignal;

  constructor(
    deps: { store: Pick<Store, 'operationLog'>; live: LiveOperation; closed: AbortSignal },
    stored: readonly LogLine[] = [],
  ) {
    this.#store = deps.store;
    this.#live = deps.live;
    this.#closed = deps.closed;
    this.lines = stored.map(({ step, event }) => ({ step, event }));
  }

  add(step: string, event: StepEvent, text = ''): void {
    this.lines.push({ step, event });
    this.#pending.push({ operationId: this.#live.row.id, step, event, text, atMs: Date.now() });
  }

  /** A new operation and its first lines; fails at once when that cannot be written. */
  async create(): Promise<void> {
    await this.#store.operationLog.record({ create: this.#live.row, log: this.#pending });
    this.#pending.length = 0;
  }

  /** A full disk can pass: tries again for a while. */
  async commit(change: Partial<OperationRow> = {}): Promise<void> {
    this.#live.change(change);
    const { id, updatedAtMs, metadata } = this.#live.row;
    for (let attempt = 0; ; attempt++) {
      if (this.#closed.aborted) throw new Halted('The server ends');
      try {
        await this.#store.operationLog.record({
          update: { id, change: { ...change, updatedAtMs, metadata } },
          log: this.#pending,
        });
        this.#pending.length = 0;
        return;
      } catch (error) {
        const waitMs = retryDelaysMs[attempt];
        if (waitMs === undefined) throw error;
        await delay(waitMs, undefined, { signal: this.#closed, ref: false }).catch(() => undefined);
      }
    }
  }
}
