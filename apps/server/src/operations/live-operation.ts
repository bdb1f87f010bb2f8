import { messageOf, isDomainError } from '@stapes/contract/errors';
import { isFinished, type Operation, type OperationRecord } from '@stapes/contract/operation';
import { statusCodes } from '@stapes/contract/status';
import { operationEvent, type EventHub } from '../events/event-hub.ts';
import type { OperationRow } from '../store/store.ts';
import type { StepTools } from './saga.ts';

const progressIntervalMs = 200;

export interface LiveOptions {
  events: EventHub;
  now(): number;
  cancelable: boolean;
  release(): void;
}

/** An operation in memory: its row, who waits for it, what it reports. */
export class LiveOperation {
  row: OperationRow;
  readonly abort = new AbortController();
  /** Set by who drives it: false once it goes back or can only go forward. */
  cancelable: boolean;
  readonly ended: Promise<void>;
  #step = '';
  #progress: { text: string; fraction: number | null } | null = null;
  #progressKey: string;
  #lastEventMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #end: () => void = () => undefined;
  readonly #options: LiveOptions;

  constructor(row: OperationRow, options: LiveOptions) {
    this.row = row;
    this.cancelable = options.cancelable;
    this.#options = options;
    this.#progressKey = `${row.kind.replaceAll('-', '_')}_progress`;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get finished(): boolean {
    return isFinished(this.row);
  }

  tools(signal: AbortSignal = this.abort.signal): StepTools {
    return {
      signal,
      progress: (text, fraction) => {
        if (this.finished) return;
        this.#progress = { text, fraction };
        this.#publishSoon();
      },
      annotate: (metadata) => {
        this.row.metadata = { ...this.row.metadata, ...metadata };
        if (!this.finished) this.#publishSoon();
      },
    };
  }

  /** The step that runs now. */
  enter(step: string): void {
    this.#step = step;
    this.#progress = null;
    this.#publishSoon();
  }

  change(change: Partial<OperationRow>): void {
    this.row = { ...this.row, ...change, updatedAtMs: this.#options.now() };
  }

  /** No secrets: those are shown once, by whoever made the operation. */
  show(): Operation {
    return {
      ...showRow(this.row),
      metadata: this.#metadata(),
      may_cancel: this.cancelable && !this.finished && !this.abort.signal.aborted,
    };
  }

  record(): OperationRecord {
    const progress = this.finished
      ? null
      : { step: this.#step, fraction: this.#progress?.fraction ?? null, text: this.#progress?.text ?? '' };
    return { ...recordRow(this.row), ...this.show(), progress };
  }

  publish(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#lastEventMs = this.#options.now();
    this.#options.events.publish(operationEvent(this.show(), this.row.project));
  }

  release(): void {
    this.#options.release();
  }

  finish(): void {
    this.publish();
    this.#end();
  }

  /** The server ends: nothing more is told. */
  silence(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #metadata(): Record<string, unknown> | null {
    const { metadata } = this.row;
    if (this.finished || !(this.#progress || this.#step)) return Object.keys(metadata).length > 0 ? metadata : null;
    if (!this.#progress) return { ...metadata, progress: { stage: this.#step, percent: '' } };
    const { text, fraction } = this.#progress;
    const percent = fraction === null ? '' : `${Math.round(fraction * 100)}`;
    // The command line clients show any key that ends in `_progress`.
    return {
      ...metadata,
      [this.#progressKey]: percent ? `${text}: ${percent}%` : text,
      progress: { stage: text, percent },
    };
  }

  #publishSoon(): void {
    if (this.#timer) return;
    const waitMs = this.#lastEventMs + progressIntervalMs - this.#options.now();
    if (waitMs <= 0) return this.publish();
    this.#timer = setTimeout(() => this.publish(), Math.min(waitMs, progressIntervalMs));
    this.#timer.unref();
  }
}

export function showRow(row: OperationRow): Operation {
  return {
    id: row.id,
    class: row.class,
    description: row.description,
    created_at: new Date(row.createdAtMs).toISOString(),
    updated_at: new Date(row.updatedAtMs).toISOString(),
    status: row.status,
    status_code: statusCodes[row.status],
    resources: Object.keys(row.resources).length > 0 ? row.resources : null,
    metadata: Object.keys(row.metadata).length > 0 ? row.metadata : null,
    may_cancel: false,
    err: row.error,
    location: 'none',
  };
}

export function recordRow(row: OperationRow): OperationRecord {
  return {
    ...showRow(row),
    kind: row.kind,
    project: row.project,
    requestor: row.requestor,
    stuck: row.stuck,
    error_code: row.errorCode,
    progress: null,
  };
}

/** How an error is kept. */
export function errorColumns(error: unknown, cancelled: boolean): Pick<OperationRow, 'errorCode' | 'error'> {
  if (cancelled) return { errorCode: 'cancelled', error: 'The operation was cancelled' };
  return {
    errorCode: isDomainError(error) ? error.code : 'internal',
    error: messageOf(error) || 'The operation failed',
  };
}
