import { DomainError } from '@stapes/contract/errors';
import type { Operation } from '@stapes/contract/operation';
import { operationUrl } from './envelope.ts';
import { compileFilter } from './filter.ts';
import { recursionOf } from './list.ts';
import { done, param, sync, type Call, type Route } from './route.ts';

/** Seconds; -1 for ever. */
function timeoutOf(call: Call): number {
  const text = call.query.get('timeout');
  if (text === null || text === '') return -1;
  if (!/^-?\d{1,9}$/.test(text))
    throw new DomainError('invalid', 'The time to wait is a whole number of seconds', {
      details: { field: 'timeout' },
    });
  return Math.max(-1, Number(text));
}

/** The list is an object: lower-case status to operations. */
function byStatus(operations: readonly Operation[], recursion: number): Record<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  for (const operation of operations) {
    const status = operation.status.toLowerCase();
    const group = groups.get(status) ?? [];
    group.push(recursion === 0 ? operationUrl(operation.id) : operation);
    groups.set(status, group);
  }
  return Object.fromEntries(groups);
}

export const operationRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/operations',
    permission: 'admin',
    handler: (call) => {
      const filter = call.query.get('filter');
      const operations = call.services.operations.list(call.context);
      return sync(byStatus(filter ? operations.filter(compileFilter(filter)) : operations, recursionOf(call)));
    },
  },
  {
    method: 'GET',
    path: '/1.0/operations/:id',
    permission: 'admin',
    handler: (call) => sync(call.services.operations.get(call.context, param(call, 'id'))),
  },
  {
    method: 'DELETE',
    path: '/1.0/operations/:id',
    permission: 'admin',
    handler: async (call) => {
      await call.services.operations.cancel(call.context, param(call, 'id'));
      return done();
    },
  },
  {
    method: 'GET',
    path: '/1.0/operations/:id/wait',
    permission: 'admin',
    handler: (call) => {
      const timeoutS = timeoutOf(call);
      const id = param(call, 'id');
      // An unknown one is a 404, which cannot be said any more once the headers are out.
      call.services.operations.get(call.context, id);
      return { kind: 'later', value: call.services.operations.wait(call.context, id, timeoutS) };
    },
  },
];
