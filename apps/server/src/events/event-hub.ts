import type { EventType, LifecycleMetadata, ServerEvent } from '@stapes/contract/event';
import type { Operation } from '@stapes/contract/operation';
import type { Context } from '../services/context.ts';

/** Events that a reader may be behind before it is let go. */
export const eventQueueLimit = 1000;

export interface SubscribeOptions {
  types: readonly EventType[];
  /** Null for all. */
  project: string | null;
  /** Called once, after which the listener gets nothing more. */
  onOverflow(): void;
}
export interface EventHub {
  publish(event: ServerEvent): void;
  /**
   * Each listener gets every event in order. One that returns a promise gets the next event when that has resolved; meanwhile at most 1,000 wait, and the next one
   * is an overflow. Returns the way out.
   */
  subscribe(options: SubscribeOptions, listener: (event: ServerEvent) => void | Promise<void>): () => void;
}

class Subscription {
  readonly #queue: ServerEvent[] = [];
  #delivering = false;
  #ended = false;
  readonly #options: SubscribeOptions;
  readonly #listener: (event: ServerEvent) => void | Promise<void>;
  readonly #leave: (self: Subscription) => void;

  constructor(
    options: SubscribeOptions,
    listener: (event: ServerEvent) => void | Promise<void>,
    leave: (self: Subscription) => void,
  ) {
    this.#options = options;
    this.#listener = listener;
    this.#leave = leave;
  }

  offer(event: ServerEvent): void {
    const { types, project, onOverflow } = this.#options;
    if (
      this.#ended ||
      !types.includes(event.type) ||
      (project !== null && event.project !== '' && event.project !== project)
    )
      return;
    if (this.#queue.length >= eventQueueLimit) {
      this.end();
      queueMicrotask(onOverflow); // what it does or throws is no business of who publishes
      return;
    }
    this.#queue.push(event);
    if (!this.#delivering) this.#deliver();
  }

  end(): void {
    this.#ended = true;
    this.#queue.length = 0;
    this.#leave(this);
  }

  /** At once as long as the listener is quick, so that a burst within one turn of the event loop overflows nobody who keeps up. */
  #deliver(): void {
    this.#delivering = true;
    for (let event = this.#queue.shift(); event && !this.#ended; event = this.#queue.shift()) {
      let result: void | Promise<void>;
      try {
        result = this.#listener(event);
      } catch {
        return this.end(); // a listener that throws is gone; it is no business of who published
      }
      if (result instanceof Promise) {
        result.then(
          () => this.#deliver(),
          () => this.end(),
        );
        return;
      }
    }
    this.#delivering = false;
  }
}

export function createEventHub(): EventHub {
  const subscriptions = new Set<Subscription>();
  return {
    publish(event) {
      for (const subscription of [...subscriptions]) subscription.offer(event);
    },
    subscribe(options, listener) {
      const subscription = new Subscription(options, listener, (self) => subscriptions.delete(self));
      subscriptions.add(subscription);
      return () => subscription.end();
    },
  };
}

/** `lifecycle(context, 'instance-started', '/1.0/instances/web1')`. */
export function lifecycle(
  context: Context,
  action: string,
  source: string,
  extra: Pick<LifecycleMetadata, 'context' | 'name'> = {},
): ServerEvent {
  const { username, protocol } = context.identity;
  const metadata: LifecycleMetadata = {
    action,
    source,
    requestor: { username, protocol, address: context.address },
    project: context.project,
    ...extra,
  };
  return {
    type: 'lifecycle',
    timestamp: new Date().toISOString(),
    location: 'none',
    project: context.project,
    metadata,
  };
}

export function operationEvent(operation: Operation, project: string): ServerEvent {
  return { type: 'operation', timestamp: new Date().toISOString(), location: 'none', project, metadata: operation };
}
