import type { InstanceFull } from '@stapes/contract/instance';
import { expect, test } from 'vitest';
import { columns, compareBy, defaultColumns, formatColumns, formatSort, parseColumns, parseSort } from './columns.ts';

const instance = (name: string, address = '') =>
  ({
    name,
    status: 'Running',
    state: { network: { eth0: { addresses: address ? [{ family: 'inet', address, scope: 'global' }] : [] } } },
  }) as unknown as InstanceFull;
const sorted = (id: string, list: InstanceFull[], usage = {}) => {
  const column = columns.find((one) => one.id === id);
  if (!column) throw new Error(id);
  return list.toSorted(compareBy(column, () => usage)).map((one) => one.name);
};

test('columns and sort live in the address, and only when they differ from the default', () => {
  expect(parseColumns(null)).toEqual(defaultColumns);
  expect(formatColumns(parseColumns(null))).toBeNull();
  expect(parseColumns('cpu,nonsense,pool')).toEqual(['name', 'cpu', 'pool']);
  expect(formatColumns(['name', 'cpu', 'pool'])).toBe('name,cpu,pool');
  expect(formatSort(parseSort('-memory'))).toBe('-memory');
  expect(formatSort(parseSort('nonsense'))).toBeNull();
});

test('names are sorted as people count', () => {
  expect(sorted('name', [instance('web10'), instance('web9'), instance('Web1')])).toEqual(['Web1', 'web9', 'web10']);
});

test('addresses are sorted by number', () => {
  expect(sorted('ipv4', [instance('a', '10.0.0.10'), instance('b', '10.0.0.9')])).toEqual(['b', 'a']);
});

test('live columns are sorted by the latest reading', () => {
  const usage = {
    a: { t: 0, cpu: 2, memory: 0, memoryTotal: 0, rx: 0, tx: 0 },
    b: { t: 0, cpu: 1, memory: 0, memoryTotal: 0, rx: 0, tx: 0 },
  };
  expect(sorted('cpu', [instance('a'), instance('b'), instance('c')], usage)).toEqual(['c', 'b', 'a']);
});
