import type { Operation, OperationRecord } from '@stapes/contract/operation';
import type { Context } from '../services/context.ts';
import type { Saga, StepTools } from './saga.ts';

export interface OperationOptions {
  /** For people: `Creating instance`. */
  description: string;
  /** For example `['instance:<id>']`. Taken before anything happens; `busy` when somebody holds one. Recovery takes them again. */
  locks: readonly string[];
  /** `{ instances: ['/1.0/instances/web1'] }`. */
  resources: Record<string, string[]>;
  cancelable?: boolean;
  /** First metadata of the operation. */
  metadata?: Record<string, unknown>;
}

/** A websocket-class operation (exec, console): secrets by descriptor, shown to its creator only. */
export interface OperationSocketOptions extends OperationOptions {
  /** `{ '0': <64 hex>, control: <64 hex> }`. */
  secrets: Record<string, string>;
  /** Runs until the operation ends; the result becomes its final metadata. */
  run(tools: StepTools): Promise<Record<string, unknown>>;
  /** A door hands over an upgraded socket whose secret matched, single use unless `reusable`. */
  connect(fd: string, socket: import('ws').WebSocket): void;
}

export interface OperationEngine {
  /** Writes the operation row, then runs the saga in the background; returns at once with status Running. */
  startSaga<P>(context: Context, saga: Saga<P>, params: P, options: OperationOptions): Promise<Operation>;
  /** One driver call under an operation; not durable: after a crash it is shown as failed ("the server ended"). `kind` for the tray. */
  startTask(
    context: Context,
    kind: string,
    options: OperationOptions,
    run: (tools: StepTools) => Promise<Record<string, unknown> | void>,
  ): Promise<Operation>;
  startSocket(context: Context, kind: string, options: OperationSocketOptions): Promise<Operation>;
  /** Live and lately finished (kept at least 5 s after the end for the REST API). Throws `not-found`. */
  get(id: string): Operation;
  list(): Operation[];
  /** Resolves when it has ended or the time (seconds, -1 forever) is over; never rejects for a failed operation. */
  wait(id: string, timeoutS: number): Promise<Operation>;
  cancel(context: Context, id: string): Promise<void>;
  /** Compares in constant time; `forbidden` when wrong. */
  connectSocket(context: Context, id: string, secret: string, socket: import('ws').WebSocket): void;
  /** Tray: newest first, from the database. */
  history(limit: number): Promise<OperationRecord[]>;
  /** Tries the undo of a stuck operation again. */
  retry(context: Context, id: string): Promise<Operation>;
  /** Holds locks around a short critical section (config change). `busy` when taken. */
  withLocks<T>(locks: readonly string[], run: () => Promise<T>): Promise<T>;
}
