import type { Runtime } from '@stapes/runtime/runtime';
import type { ServerConfig } from '../config.ts';
import type { EventHub } from '../events/event-hub.ts';
import type { Log } from '../log.ts';
import type { OperationEngine } from '../operations/engine-types.ts';
import type { Store } from '../store/store.ts';
import type { LiveState } from './live-state.ts';

/** What is there before any service: settings, log, rows, mechanism, events, and the little that lives in memory. */
export interface BaseDeps {
  config: ServerConfig;
  log: Log;
  store: Store;
  runtime: Runtime;
  events: EventHub;
  live: LiveState;
}
export interface ServiceDeps extends BaseDeps {
  engine: OperationEngine;
}
