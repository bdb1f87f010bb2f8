import { expect, it } from 'vitest';
import { diffLines } from './line-diff.ts';

const show = (before: string, after: string) =>
  diffLines(before, after).map((line) => `${{ same: ' ', added: '+', removed: '-' }[line.kind]}${line.text}`);

it('shows a changed line as removed and added, in place', () => {
  expect(show('a\nb\nc', 'a\nB\nc')).toEqual([' a', '-b', '+B', ' c']);
});

it('shows lines added at both ends', () => {
  expect(show('b', 'a\nb\nc')).toEqual(['+a', ' b', '+c']);
});

it('says that equal texts are the same', () => {
  expect(diffLines('a\nb', 'a\nb').every((line) => line.kind === 'same')).toBe(true);
});

it('keeps every line of both sides', () => {
  const lines = diffLines('x\ny\nz\nx', 'y\nx\nx\nq');
  expect(lines.filter((line) => line.kind !== 'added').map((line) => line.text)).toEqual(['x', 'y', 'z', 'x']);
  expect(lines.filter((line) => line.kind !== 'removed').map((line) => line.text)).toEqual(['y', 'x', 'x', 'q']);
});
