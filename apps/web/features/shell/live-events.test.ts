import type { ServerEvent } from '@stapes/contract/event';
import type { Operation, OperationRecord } from '@stapes/contract/operation';
import { describe, expect, test } from 'vitest';
import { changesOf, pathOf, withOperation } from './live-events.ts';

const base = { timestamp: '2026-01-01T00:00:00Z', location: 'none', project: 'default' };
const lifecycle = (action: string, source: string, context?: Record<string, unknown>): ServerEvent => ({
  ...base,
  type: 'lifecycle',
  metadata: { action, source, ...(context ? { context } : {}) },
});
const operation = (change: Partial<Operation> = {}): Operation => ({
  id: 'o1',
  class: 'task',
  description: 'Starting instance',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:01Z',
  status: 'Running',
  status_code: 103,
  resources: { instances: ['/1.0/instances/web1'] },
  metadata: null,
  may_cancel: false,
  err: '',
  location: 'none',
  ...change,
});

describe('lifecycle events', () => {
  test('ask for one instance, never for the list', () => {
    expect(changesOf(lifecycle('instance-started', '/1.0/instances/web1?project=default'))).toEqual([
      { kind: 'instance', name: 'web1' },
    ]);
  });
  test('tell what is gone', () => {
    expect(changesOf(lifecycle('instance-deleted', '/1.0/instances/web1'))).toEqual([
      { kind: 'instance-gone', name: 'web1' },
    ]);
    expect(changesOf(lifecycle('instance-renamed', '/1.0/instances/b', { old_name: 'a' }))).toEqual([
      { kind: 'instance-gone', name: 'a' },
      { kind: 'instance', name: 'b' },
    ]);
  });
  test('of shells and files change nothing', () => {
    expect(changesOf(lifecycle('instance-exec', '/1.0/instances/web1'))).toEqual([]);
    expect(changesOf(lifecycle('instance-file-pushed', '/1.0/instances/web1'))).toEqual([]);
  });
  test('of other nouns make their area stale', () => {
    expect(changesOf(lifecycle('storage-pool-created', '/1.0/storage-pools/p'))).toEqual([
      { kind: 'stale', area: 'storage' },
    ]);
    expect(changesOf(lifecycle('warning-ack', '/1.0/warnings/x'))).toEqual([]);
  });
});

test('names in paths are decoded', () => {
  expect(pathOf('/1.0/images/aliases/debian%2F12?x=1')).toEqual(['images', 'aliases', 'debian/12']);
});

describe('operations', () => {
  test('progress leaves the instance alone, the end does not', () => {
    expect(changesOf({ ...base, type: 'operation', metadata: operation() })).toHaveLength(1);
    expect(changesOf({ ...base, type: 'operation', metadata: operation({ status: 'Failure' }) })).toContainEqual({
      kind: 'instance',
      name: 'web1',
    });
  });
  test('a new one goes on top, a known one keeps its place and its kind', () => {
    const known: OperationRecord = {
      ...operation(),
      kind: 'instance-start',
      project: 'default',
      requestor: 'admin',
      stuck: false,
      error_code: '',
      progress: null,
    };
    const other = { ...known, id: 'o0' };
    expect(withOperation([other], operation())).toMatchObject([{ id: 'o1' }, { id: 'o0' }]);
    const after = withOperation(
      [other, known],
      operation({ metadata: { progress: { step: 'unpack', text: '40 %', fraction: 0.4 } } }),
    );
    expect(after[1]).toMatchObject({ kind: 'instance-start', progress: { step: 'unpack', fraction: 0.4 } });
    expect(withOperation(after, operation({ status: 'Success' }))[1]).toMatchObject({
      status: 'Success',
      progress: null,
    });
  });
});
