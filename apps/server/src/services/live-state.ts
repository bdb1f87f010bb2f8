import type { InstanceStatus } from '@stapes/contract/instance';
import type { InstanceRow } from '../store/store.ts';

/** Hints that may be lost at any time: the host and the database are the truth. */
export interface LiveState {
  /** Instances that this process starts or stops right now. */
  transitions: Map<string, Extract<InstanceStatus, 'Starting' | 'Stopping'>>;
  /** Rows that a create has minted and not yet recorded, so that two creates at once do not take the same ids. */
  reserved: Map<string, InstanceRow>;
  /** Serialises work of one key within this process. */
  exclusive<T>(key: string, run: () => Promise<T>): Promise<T>;
}

export function createLiveState(): LiveState {
  const tails = new Map<string, Promise<unknown>>();
  return {
    transitions: new Map(),
    reserved: new Map(),
    async exclusive(key, run) {
      const before = tails.get(key) ?? Promise.resolve();
      const mine = before.then(run, run);
      const tail = mine.catch(() => undefined);
      tails.set(key, tail);
      try {
        return await mine;
      } finally {
        if (tails.get(key) === tail) tails.delete(key);
      }
    },
  };
}
