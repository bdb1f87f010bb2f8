import { DomainError } from '@stapes/contract/errors';

const mostQueued = 1000;

/**
 * Turns a listener into an async sequence. The queue is bounded: a reader that falls behind gets an error and starts anew with fresh state,
 * and the server's memory does not grow.
 */
export async function* streamOf<T>(
  subscribe: (listener: (value: T) => void, onOverflow: () => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const queue: T[] = [];
  let overflown = false;
  let wake: (() => void) | null = null;
  const notify = () => wake?.();
  const unsubscribe = subscribe(
    (value) => {
      if (queue.length >= mostQueued) overflown = true;
      else queue.push(value);
      notify();
    },
    () => {
      overflown = true;
      notify();
    },
  );
  signal.addEventListener('abort', notify);
  try {
    while (!signal.aborted) {
      const next = queue.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      if (overflown)
        throw new DomainError('unavailable', 'Events came faster than they were read; subscribe again and reload');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = null;
    }
  } finally {
    signal.removeEventListener('abort', notify);
    unsubscribe();
  }
}
