import { messageOf } from '@stapes/contract/errors';
import type { OperationRow, Store } from '../store/store.ts';
import { unknownSteps, type LogLine } from './moves.ts';
import type { Saga } from './saga.ts';

export interface Resumable {
  row: OperationRow;
  saga: Saga<unknown>;
  params: unknown;
  log: LogLine[];
}
export type OperationStore = Pick<Store, 'operations' | 'operationLog'>;
export type Sagas = ReadonlyMap<string, Saga<unknown>>;

/** What a stored operation needs to be driven on; throws when this program cannot. */
export async function load(store: OperationStore, sagas: Sagas, row: OperationRow): Promise<Resumable> {
  const saga = sagas.get(row.kind);
  if (!saga) throw new Error(`this version knows no operation "${row.kind}"`);
  const log = await store.operationLog.of(row.id);
  const unknown = unknownSteps(saga, log);
  if (unknown.length > 0)
    throw new Error(`this version knows no step ${unknown.map((name) => `"${name}"`).join(', ')} of it`);
  return { row, saga, params: saga.params.parse(row.params), log };
}

/** Unfinished sagas, oldest first. What cannot go on is put to rest: operations that were not durable as failed, others as stuck. */
export async function findUnfinished(store: OperationStore, sagas: Sagas): Promise<Resumable[]> {
  const found: Resumable[] = [];
  for (const row of await store.operations.unfinished()) {
    if (row.stuck) continue; // rests until somebody retries it
    if (!row.durable) {
      await store.operations.update(row.id, {
        status: 'Failure',
        errorCode: 'unavailable',
        error: 'The server ended while it ran',
        updatedAtMs: Date.now(),
      });
      continue;
    }
    try {
      found.push(await load(store, sagas, row));
    } catch (error) {
      const text = `It was interrupted by the end of the server and cannot be resumed: ${messageOf(error)}`;
      await store.operations.update(row.id, {
        status: 'Failure',
        stuck: true,
        errorCode: 'internal',
        error: text,
        updatedAtMs: Date.now(),
      });
    }
  }
  return found;
}
