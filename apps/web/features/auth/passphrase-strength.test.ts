import { expect, test } from 'vitest';
import { passphraseStrength } from './passphrase-strength.ts';

test('says how much is missing', () => {
  expect(passphraseStrength('').score).toBe(0);
  expect(passphraseStrength('nine char')).toMatchObject({ score: 1, hint: '1 more character at least.' });
});

test('takes repetition for weak however long it is', () => {
  expect(passphraseStrength('abababababababababab').label).toBe('Weak');
});

test('grows with length and variety', () => {
  const scores = ['abcdefghijkl', 'abcdefghijkl mnop', 'correct horse battery staple 9'].map(
    (text) => passphraseStrength(text).score,
  );
  expect(scores).toEqual([2, 3, 4]);
});
