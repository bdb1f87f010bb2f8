import { expect, test } from 'vitest';
import { balanceCpus, type Counted } from './cpu-balance.ts';

const cpus = [0, 1, 2, 3];
const one = (id: string, count: number, current: number[] = []): Counted => ({ id, count, current });
const place = (fixed: number[][], counted: Counted[]) => Object.fromEntries(balanceCpus(cpus, fixed, counted));

test('each gets those CPUs that the fewest others have', () => {
  expect(place([], [one('a', 1), one('b', 1), one('c', 1), one('d', 1), one('e', 1)])).toEqual({
    a: [0],
    b: [1],
    c: [2],
    d: [3],
    e: [0],
  });
  expect(place([], [one('small', 1), one('big', 3)])).toEqual({ big: [0, 1, 2], small: [3] });
});

test('sets that users have named count, and CPUs that the host lacks do not', () => {
  expect(
    place(
      [
        [0, 1],
        [0, 9],
      ],
      [one('a', 2)],
    ),
  ).toEqual({ a: [2, 3] });
  expect(place([[0, 1, 2], [3], [3]], [one('a', 3)])).toEqual({ a: [0, 1, 2] });
});

test('more than there are is all, none is one', () => {
  expect(place([], [one('a', 9), one('b', 0)])).toEqual({ a: cpus, b: [0] });
});

test('one stays where it is when no place is better, and moves when one is', () => {
  expect(place([], [one('a', 2, [1, 3]), one('b', 2, [0, 2])])).toEqual({ a: [1, 3], b: [0, 2] });
  expect(place([], [one('a', 1, [3]), one('b', 1, [3])])).toEqual({ a: [3], b: [0] });
  const placed = place([], [one('a', 1, [2]), one('b', 1, [1]), one('c', 1, [0])]);
  expect(placed).toEqual({ a: [2], b: [1], c: [0] });
});
