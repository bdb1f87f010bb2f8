import { DomainError } from '@stapes/contract/errors';
import { isFinished } from '@stapes/contract/operation';
import type { OperationLogRow, OperationRow } from '../store/store.ts';
import type { OperationStore } from './recovery.ts';

/** Operations and their log in memory, as JSON like in the database; for tests of sagas. */
export function createMemoryStore(): OperationStore {
  const rows = new Map<string, string>();
  const log: OperationLogRow[] = [];
  const read = (): OperationRow[] => [...rows.values()].map((text) => JSON.parse(text) as OperationRow);
  const put = (row: OperationRow) => void rows.set(row.id, JSON.stringify(row));
  const find = (id: string) => read().find((row) => row.id === id) ?? null;
  const get = (id: string): OperationRow => {
    const row = find(id);
    if (!row) throw new DomainError('not-found', `There is no operation "${id}"`);
    return row;
  };
  const update = (id: string, change: Partial<OperationRow>): OperationRow => {
    const row = { ...get(id), ...change };
    put(row);
    return row;
  };
  const append = (row: Omit<OperationLogRow, 'sequence'>) => void log.push({ ...row, sequence: log.length + 1 });
  const newestFirst = () => read().sort((a, b) => b.createdAtMs - a.createdAtMs);
  return {
    operations: {
      list: async () => newestFirst(),
      find: async (id) => find(id),
      get: async (id) => get(id),
      create: async (row) => put(row),
      update: async (id, change) => update(id, change),
      remove: async (id) => void rows.delete(id),
      unfinished: async () => read().filter((row) => row.stuck || !isFinished(row)),
      newest: async (limit) => newestFirst().slice(0, limit),
      removeOlderThan: async () => undefined,
    },
    operationLog: {
      append: async (row) => append(row),
      async record({ create, update: change, log: lines = [] }) {
        if (create) put(create);
        if (change) update(change.id, change.change);
        for (const line of lines) append(line);
      },
      of: async (operationId) => log.filter((row) => row.operationId === operationId),
    },
  };
}
