import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { run, spawnProcess } from './run.ts';

describe('a child process', () => {
  it('gets its input, and gives both outputs and its code', async () => {
    const big = 'x'.repeat(1_000_000);
    const { stdout } = await run('cat', [], { input: big });
    expect(stdout).toBe(big);
    const both = await run('sh', ['-c', 'echo out; echo err >&2; exit 3'], { okCodes: [3] });
    expect(both).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('tells by which signal it ended, after the last of its output', async () => {
    const child = spawnProcess('sh', ['-c', 'printf last; kill -9 $$']);
    const said = text(child.stdout as NodeJS.ReadableStream);
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL']);
    expect(await said).toBe('last');
    expect(child.kill()).toBe(false);
  });

  it('inherits only what it was given', async () => {
    const file = openSync(import.meta.filename, 'r');
    try {
      const { stdout } = await run('sh', ['-c', 'env | sort; pwd; ls -l /proc/self/fd'], {
        env: { PATH: process.env.PATH ?? '', GIVEN: 'yes' },
        cwd: '/',
      });
      expect(stdout).toMatch(/^GIVEN=yes\n/m);
      expect(stdout).not.toContain('NODE_');
      expect(stdout).toMatch(/^\/$/m);
      expect(stdout).not.toContain(import.meta.filename);
    } finally {
      closeSync(file);
    }
  });

  it('has every signal at its default', async () => {
    const { stdout } = await run('grep', ['-E', '^Sig(Ign|Blk)', '/proc/self/status']);
    expect(stdout).toMatch(/^SigBlk:\s+0+\nSigIgn:\s+0+\n$/);
  });

  it('may open its output by name, and write into a file of ours', async () => {
    expect((await run('sh', ['-c', 'echo hi > /dev/stdout'])).stdout).toBe('hi\n');
    const directory = mkdtempSync(join(tmpdir(), 'child-'));
    try {
      const file = openSync(join(directory, 'out'), 'w');
      const child = spawnProcess('sh', ['-c', 'echo file'], { stdio: ['ignore', file, 'ignore'] });
      closeSync(file);
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('file\n');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('says what cannot be run', async () => {
    await expect(run('no-such-program', [])).rejects.toMatchObject({ code: 'unavailable' });
    await expect(run('/etc/hostname', [])).rejects.toMatchObject({ code: 'internal' });
    await expect(run('true', [], { cwd: '/no-such-directory' })).rejects.toThrow();
  });

  it('is stopped by a time-out and by a cancel', async () => {
    await expect(run('sleep', ['60'], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    await expect(run('sleep', ['60'], { signal: abort.signal })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('runs many at once', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, index) => run('echo', [String(index)])));
    expect(all.map(({ stdout }) => stdout.trim())).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  });
});
