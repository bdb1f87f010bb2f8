import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseEncoding } from './static-files.ts';
import { createStaticMap } from './static-map.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stapes-static-'));
  const put = (name: string, content = name) => {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), content);
  };
  for (const name of [
    'index.html',
    'instances.html',
    'settings/index.html',
    '404.html',
    'icon.svg',
    '_next/static/chunks/a.js',
  ])
    put(name);
  put('_next/static/chunks/a.js.br', 'small');
  put('instances.html.gz', 'smaller');
  symlinkSync('/etc/passwd', join(directory, 'passwd.html'));
});
afterEach(() => rmSync(directory, { recursive: true }));

it('finds the pages of an export', () => {
  const map = createStaticMap(directory);
  const found = (url: string) => map.find(url)?.path.slice(directory.length + 1) ?? null;
  expect(['/', '/instances', '/instances/', '/settings', '/settings/', '/icon.svg'].map(found)).toEqual([
    'index.html',
    'instances.html',
    'instances.html',
    'settings/index.html',
    'settings/index.html',
    'icon.svg',
  ]);
  expect(map.notFoundPage?.path).toContain('404.html');
  expect(map.isEmpty).toBe(false);
});

it('finds nothing else, whatever is asked', () => {
  const map = createStaticMap(directory);
  for (const url of [
    '/../etc/passwd',
    '/passwd',
    '/passwd.html',
    '//etc/passwd',
    '/instances.html.gz',
    '/_next',
    '/__proto__',
    '/constructor',
    '\0',
    '/a.js',
  ]) {
    expect(map.find(url), url).toBeNull();
  }
});

it('lets browsers keep what is named by its content', () => {
  const map = createStaticMap(directory);
  expect(map.find('/_next/static/chunks/a.js')?.cacheControl).toContain('immutable');
  expect(map.find('/instances')?.cacheControl).toBe('no-cache');
});

it('chooses a compressed file that the browser takes', () => {
  const script = createStaticMap(directory).find('/_next/static/chunks/a.js');
  const page = createStaticMap(directory).find('/instances');
  if (!script || !page) throw new Error('missing');
  expect(chooseEncoding('gzip, deflate, br', script)).toBe('br');
  expect(chooseEncoding('gzip, br;q=0', script)).toBeNull();
  expect(chooseEncoding('gzip, br', page)).toBe('gzip');
  expect(chooseEncoding(undefined, page)).toBeNull();
});

it('says so when the dashboard was not built', () => {
  expect(createStaticMap(join(directory, 'nowhere')).isEmpty).toBe(true);
});
