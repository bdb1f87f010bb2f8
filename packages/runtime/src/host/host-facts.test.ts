import { expect, test } from 'vitest';
import { parseOsRelease } from './host-facts.ts';

test('os-release is read with and without quotes, and nothing else is taken from it', () => {
  const text = `# a comment\nNAME="Debian \\"GNU\\"/Linux"\nVERSION_ID='12'\nID=debian\nnonsense\nlower=case\n`;
  expect(parseOsRelease(text)).toEqual({ NAME: 'Debian "GNU"/Linux', VERSION_ID: '12', ID: 'debian' });
});
