import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostEnvironment } from '@stapes/runtime/host/run';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StepTools } from '../operations/saga.ts';
import { runDetached } from './exec-detached.ts';

const limits = { streamBytes: 10_000, instanceBytes: 50_000, instanceFiles: 6 };
let root: string;
let recordIn: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stapes-exec-output-'));
  recordIn = join(root, 'one');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const tools = (signal = new AbortController().signal) => ({ signal }) as StepTools;
const record = (script: string, signal?: AbortSignal) =>
  runDetached(
    { instanceName: 'box', command: { file: 'sh', args: ['-c', script], env: hostEnvironment }, recordIn, limits },
    tools(signal),
  );
const recorded = (result: Record<string, unknown>) => {
  const { output } = result as { output: Record<'1' | '2', string> };
  const read = (url: string) => readFileSync(join(recordIn, url.split('/').at(-1)!), 'utf8');
  return [read(output['1']), read(output['2'])];
};

test('output is recorded whole up to the limit, and told to be cut off beyond it', async () => {
  const small = await record('printf out; printf err >&2; exit 3');
  expect(small).toMatchObject({ return: 3 });
  expect(small).not.toHaveProperty('output_truncated');
  expect(recorded(small)).toEqual(['out', 'err']);
  const exact = await record('head -c 10000 /dev/zero | tr "\\0" a');
  expect(exact).not.toHaveProperty('output_truncated');
  // The command is not stopped by that: it comes to its own end.
  const big = await record('head -c 3000000 /dev/zero | tr "\\0" a; printf b >&2; exit 7');
  expect(big).toMatchObject({ return: 7, output_truncated: ['1'] });
  expect(recorded(big)).toEqual(['a'.repeat(10_000), 'b']);
});

test('a command that never stops printing keeps within the limit, and can be cancelled', async () => {
  const end = new AbortController();
  const running = record('exec yes', end.signal);
  const size = () =>
    (existsSync(recordIn) ? readdirSync(recordIn) : []).map((name) => readFileSync(join(recordIn, name)).length);
  await expect.poll(size, { timeout: 30_000 }).toContain(10_000);
  end.abort();
  expect(await running).toMatchObject({ return: 137, output_truncated: ['1'] });
  expect(Math.max(...size())).toBe(10_000);
});

test('a daemon that is left behind and prints for ever keeps nobody waiting', async () => {
  const result = await record('yes & true');
  expect(result).toMatchObject({ return: 0, output_truncated: ['1'] });
}, 60_000);

test('the oldest recordings make room for new ones', async () => {
  mkdirSync(recordIn);
  for (let index = 0; index < 8; index++) {
    const path = join(recordIn, `exec_old-${index}.stdout`);
    writeFileSync(path, 'x'.repeat(index === 7 ? 29_000 : 100));
    utimesSync(path, 1000 + index, 1000 + index);
  }
  await record('true');
  // Six files at most, the two new ones counted.
  expect(
    readdirSync(recordIn)
      .filter((name) => name.includes('old'))
      .sort(),
  ).toEqual([4, 5, 6, 7].map((index) => `exec_old-${index}.stdout`));
  // Two new ones may need 20,000 bytes: 31,000 more do not fit.
  writeFileSync(join(recordIn, 'exec_big.stdout'), 'x'.repeat(31_000));
  await record('true');
  expect(readdirSync(recordIn).filter((name) => !/^exec_[0-9a-f]{8}-/.test(name))).toEqual([]);
});
