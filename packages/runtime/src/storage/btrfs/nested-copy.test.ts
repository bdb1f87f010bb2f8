import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyNested } from './nested-copy.ts';

let root: string;
let from: string;
let to: string;
let made: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stapes-nested-'));
  [from, to, made] = [join(root, 'from'), join(root, 'to'), []];
  for (const path of [from, to, join(root, 'outside/b')]) mkdirSync(path, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const copy = (path: string) =>
  copyNested({ from, to, path }, async (source, target) => {
    made.push(realpathSync(source));
    mkdirSync(target);
  });

test('one is put where the snapshot has left an empty folder', async () => {
  mkdirSync(join(from, 'a/b'), { recursive: true });
  mkdirSync(join(to, 'a/b'), { recursive: true });
  mkdirSync(join(from, 'top'));
  mkdirSync(join(to, 'top'));
  await copy('a/b');
  await copy('top');
  expect(made).toEqual([realpathSync(join(from, 'a/b')), realpathSync(join(from, 'top'))]);
  expect(existsSync(join(to, 'a/b')) && existsSync(join(to, 'top'))).toBe(true);
});

test('a link in the source is not followed', async () => {
  symlinkSync(join(root, 'outside'), join(from, 'a'));
  symlinkSync(join(root, 'outside/b'), join(from, 'link'));
  mkdirSync(join(to, 'a/b'), { recursive: true });
  mkdirSync(join(to, 'link'));
  await copy('a/b');
  await copy('link');
  expect(made).toEqual([]);
});

test('a link in the copy is not followed: what it leads to stays', async () => {
  mkdirSync(join(from, 'a/b'), { recursive: true });
  symlinkSync(join(root, 'outside'), join(to, 'a'));
  await copy('a/b');
  mkdirSync(join(from, 'link'));
  symlinkSync(join(root, 'outside/b'), join(to, 'link'));
  await copy('link');
  expect(made).toEqual([]);
  expect(existsSync(join(root, 'outside/b'))).toBe(true);
});

test('what has gone meanwhile is left out, and no path leads upwards', async () => {
  mkdirSync(join(to, 'a'));
  await copy('a');
  mkdirSync(join(from, 'c'));
  await copy('c');
  await expect(copy('../outside/b')).resolves.toBeUndefined();
  expect(made).toEqual([]);
  expect(existsSync(join(root, 'outside/b'))).toBe(true);
});
