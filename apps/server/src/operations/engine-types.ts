import type { Operation, OperationRecord } from '@stapes/contract/operation';
import type { Context } from '../services/context.ts';
import type { Saga, StepTools } from './saga.ts';

export interface OperationOptions {
  /** For people: `Creating instance`. */
  description: string;
  /** For example `['instance:<id>', 'shared:image:<fingerprint>']` (shared: many at once, but not with the same name without it). Taken before anything happens; `busy` when somebody holds one. Recovery takes them again. */
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
  /** Secrets of these descriptors may be used many times (a graphical console dials `0` again and again). */
  reusable?: readonly string[];
  /** Runs until the operation ends; the result is merged into its metadata. Time-outs for sockets that never come are its own. */
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
  /** `metadata.fds` of the answer holds the secrets; nothing else ever shows them. Not kept in the database. */
  startSocket(context: Context, kind: string, options: OperationSocketOptions): Promise<Operation>;
  /** Live and lately finished (kept 10 s after the end for the REST API). Throws `not-found`. */
  get(id: string): Operation;
  list(): Operation[];
  /** Resolves when it has ended or the time (seconds, -1 forever) is over; never rejects for a failed operation. */
  wait(id: string, timeoutS: number): Promise<Operation>;
  cancel(context: Context, id: string): Promise<void>;
  /** Compares in constant time; `forbidden` when wrong. */
  /** Throws unless `connectSocket` would take the secret. */
  checkSecret(context: Context, id: string, secret: string): void;
  connectSocket(context: Context, id: string, secret: string, socket: import('ws').WebSocket): void;
  /** Tray: newest first, from the database. */
  history(limit: number): Promise<OperationRecord[]>;
  /** Tries the undo of a stuck operation again. */
  retry(context: Context, id: string): Promise<Operation>;
  /** Holds locks around a short critical section (config change). `busy` when taken. */
  withLocks<T>(locks: readonly string[], run: () => Promise<T>): Promise<T>;
}

export interface RunningEngine extends OperationEngine {
  /**
   * To be called once, before the doors open: takes the locks of unfinished operations again, shows those that could not be durable as failed, and drives the sagas on in the
   * direction their log shows, in the background.
   */
  recover(): Promise<void>;
  /** Resolves when nothing runs; for tests and for the reconciliation at start. */
  idle(): Promise<void>;
  /** Stops driving: what runs is resumed by the next start. Waits for steps that end at once when aborted. */
  close(): Promise<void>;
}
