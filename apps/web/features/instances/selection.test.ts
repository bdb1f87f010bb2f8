import { expect, test } from 'vitest';
import { allToggled, nothingSelected, toggled } from './selection.ts';

const order = ['a', 'b', 'c', 'd'];

test('a second click takes a row out again', () => {
  const one = toggled(nothingSelected, order, 1, false);
  expect([...one.names]).toEqual(['b']);
  expect(toggled(one, order, 1, false).names.size).toBe(0);
});

test('a range goes from the last plain click, in both directions', () => {
  const anchored = toggled(nothingSelected, order, 2, false);
  expect([...toggled(anchored, order, 0, true).names].toSorted()).toEqual(['a', 'b', 'c']);
  expect([...toggled(anchored, order, 3, true).names].toSorted()).toEqual(['c', 'd']);
});

test('all selects what is shown and keeps what the search hides', () => {
  const hidden = { names: new Set(['x']), anchor: null };
  expect(allToggled(hidden, order).names).toEqual(new Set(['x', ...order]));
  expect(allToggled(allToggled(nothingSelected, order), order).names.size).toBe(0);
});
