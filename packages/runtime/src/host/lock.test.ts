import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockStateDir } from './lock.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stapes-lock-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('refuses a second holder with its pid, and lets it in after release', () => {
  const first = lockStateDir(dir);
  expect(() => lockStateDir(dir)).toThrow(new RegExp(`pid ${process.pid}.*STAPES_DIR`));
  first.release();
  first.release();
  lockStateDir(dir).release();
});
