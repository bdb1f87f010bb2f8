import type { Operation } from './operation.ts';

/** Events as `/1.0/events` sends them: one JSON object a text frame. */
export const eventTypes = ['lifecycle', 'operation', 'logging'] as const;
export type EventType = (typeof eventTypes)[number];

export interface LifecycleMetadata {
  /** For example `instance-started`. */
  action: string;
  /** URL of the object, for example `/1.0/instances/web1`. */
  source: string;
  context?: Record<string, unknown>;
  requestor?: { username: string; protocol: string; address?: string };
  name?: string;
  project?: string;
}
export interface LoggingMetadata {
  message: string;
  level: string;
  context: Record<string, string>;
}
export type ServerEvent = { timestamp: string; location: string; project: string } & (
  | { type: 'lifecycle'; metadata: LifecycleMetadata }
  | { type: 'operation'; metadata: Operation }
  | { type: 'logging'; metadata: LoggingMetadata }
);
