import { readFileSync } from 'node:fs';
import { configKeys } from '@stapes/contract/config-keys/registry';
import { expect, it } from 'vitest';
import { documentPath, renderConfigKeys } from './config-keys.ts';

it('docs/configuration-keys.md says what the registry says', () => {
  expect(readFileSync(documentPath, 'utf8'), 'run: npx tsx scripts/docs/config-keys.ts').toBe(renderConfigKeys());
});

it('documents every key', () => {
  const text = renderConfigKeys();
  for (const key of configKeys) expect(text).toContain(`| \`${key.key}\` |`);
});
