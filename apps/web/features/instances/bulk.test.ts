import type { InstanceFull, InstanceStatus } from '@stapes/contract/instance';
import { expect, test } from 'vitest';
import { bulkChoice } from './bulk.ts';

const instance = (name: string, status: InstanceStatus, config: Record<string, string> = {}) =>
  ({ name, status, expanded_config: config }) as unknown as InstanceFull;

test('acts on those that can, and says why when none can', () => {
  const mixed = [instance('a', 'Running'), instance('b', 'Stopped')];
  expect(bulkChoice('start', mixed)).toEqual({ names: ['b'], reason: null });
  expect(bulkChoice('stop', mixed)).toEqual({ names: ['a'], reason: null });
  expect(bulkChoice('delete', [instance('a', 'Running')])).toEqual({ names: [], reason: 'Stop it first' });
});

test('a mixed refusal has no single reason', () => {
  const result = bulkChoice('delete', [
    instance('a', 'Running'),
    instance('b', 'Stopped', { 'security.protection.delete': 'true' }),
  ]);
  expect(result.names).toEqual([]);
  expect(result.reason).toBe('None of the selected instances is in a state for it');
});

test('protection holds in bulk too', () => {
  expect(bulkChoice('delete', [instance('b', 'Stopped', { 'security.protection.delete': 'true' })]).reason).toContain(
    'security.protection.delete',
  );
});
