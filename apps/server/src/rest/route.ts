import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Operation } from '@stapes/contract/operation';
import type { Context, Permission } from '../services/context.ts';
import type { Services, Tagged } from '../services/services.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One request, made into what a handler needs. */
export interface Call {
  services: Services;
  context: Context;
  /** Path as declared by the route: `/1.0/instances/:name`. */
  path: string;
  /** Decoded parts of the path. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** `If-Match` of the caller. */
  ifMatch: string | undefined;
  /** Parsed JSON; undefined when there was no body or the route takes a stream. */
  body: unknown;
  /** The untouched body of a route that says `body: 'stream'`. */
  stream: Readable;
}

/** What a handler answers; the renderer makes HTTP of it. */
export type Answer =
  | { kind: 'sync'; value: unknown; etag?: string }
  | { kind: 'created'; location: string; value: unknown }
  | { kind: 'async'; operation: Operation }
  | { kind: 'raw'; headers: Record<string, string>; body: Readable | Buffer | string | null }
  /** Headers are sent at once, the envelope when the promise settles. */
  | { kind: 'later'; value: Promise<unknown> };

/** An endpoint as data. `permission` has no default on purpose: who may use it is said for each. */
export interface Route {
  method: Method;
  /** Fastify path, for example `/1.0/instances/:name`. */
  path: string;
  permission: Permission;
  /** `json` (the default for what changes things) or `stream`. */
  body?: 'json' | 'stream';
  handler(call: Call): Promise<Answer> | Answer;
}

export const sync = (value: unknown): Answer => ({ kind: 'sync', value });
export const tagged = (answer: Tagged<unknown>): Answer => ({ kind: 'sync', value: answer.value, etag: answer.etag });
export const done = (): Answer => ({ kind: 'sync', value: {} });
export const created = (location: string): Answer => ({ kind: 'created', location, value: {} });
export const started = (operation: Operation): Answer => ({ kind: 'async', operation });

/** A part of the path; the router has matched it, so that it is there. */
export function param(call: Call, name: string): string {
  return call.params[name] ?? '';
}
