import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let dir = '';
let child: ChildProcess | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stapes-sigkill-'));
  mkdirSync(join(dir, 'made'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Runs the fixture to its end, or to where it hangs, and kills it there. */
function run(...args: string[]): Promise<string> {
  const fixture = join(import.meta.dirname, 'sigkill-fixture.ts');
  const running = spawn(process.execPath, ['--import', 'tsx', fixture, dir, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = running;
  let out = '';
  let err = '';
  running.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    if (out.includes('hanging')) running.kill('SIGKILL');
  });
  running.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve, reject) => {
    running.on('close', (code, signal) =>
      code === 0 || signal === 'SIGKILL' ? resolve(out.trim()) : reject(new Error(`fixture: ${err}`)),
    );
  });
}
const made = () => (existsSync(join(dir, 'made')) ? readdirSync(join(dir, 'made')).sort() : []);

it.each(['run one', 'run three'])(
  'a saga killed with SIGKILL in "%s" is finished by the next process',
  async (place) => {
    expect(await run('start', place)).toBe('hanging');
    expect(made()).toContain(place.split(' ')[1]);
    expect(await run('recover')).toBe('["Success"]');
    expect(made()).toEqual(['one', 'three', 'two']);
  },
  60_000,
);

it('a saga killed with SIGKILL on its way back goes on back', async () => {
  expect(await run('start', 'undo two', 'three')).toBe('hanging');
  expect(made()).toEqual(['one']);
  expect(await run('recover')).toBe('["Failure"]');
  expect(made()).toEqual([]);
}, 60_000);
