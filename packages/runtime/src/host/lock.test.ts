import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

it('ends with the process that holds it, however that ends', async () => {
  const module = join(import.meta.dirname, 'lock.ts');
  const script = `import { lockStateDir } from ${JSON.stringify(module)}; lockStateDir(${JSON.stringify(dir)}); console.log('locked'); setInterval(() => undefined, 60_000);`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(holder.stdout, 'data');
    expect(() => lockStateDir(dir)).toThrow(new RegExp(`pid ${holder.pid} *\\)`));
  } finally {
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
  lockStateDir(dir).release();
});
