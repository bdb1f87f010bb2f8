import type { Operation } from '@stapes/contract/operation';
import { expect, test } from 'vitest';
import { noticeOf } from './operation-notice.ts';

const operation = (change: Partial<Operation>): Operation => ({
  id: 'o1',
  class: 'task',
  description: 'Creating instance',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:20Z',
  status: 'Success',
  status_code: 200,
  resources: { instances: ['/1.0/instances/web1'] },
  metadata: null,
  may_cancel: false,
  err: '',
  location: 'none',
  ...change,
});

test('a failure is always told, with its whole error', () => {
  const err = 'line one\nline two';
  expect(noticeOf(operation({ status: 'Failure', err }))).toMatchObject({
    tone: 'bad',
    body: err,
    href: '/operations?id=o1',
  });
});

test('good news is told when it took long enough to look away', () => {
  expect(noticeOf(operation({}))).toMatchObject({ tone: 'ok', href: '/instance?name=web1' });
  expect(noticeOf(operation({ updated_at: '2026-01-01T00:00:01Z' }))).toBeNull();
  expect(noticeOf(operation({ class: 'websocket' }))).toBeNull();
  expect(noticeOf(operation({ status: 'Running' }))).toBeNull();
});

test('what was deleted has no page to open', () => {
  expect(noticeOf(operation({ description: 'Deleting instance' }))).not.toHaveProperty('href');
});
