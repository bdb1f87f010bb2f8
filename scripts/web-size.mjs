// Weighs what the first route loads: every script and style that instances.html names, in brotli as it goes over the wire. Fails above the limit.
// Run after the dashboard was built and compressed.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';

const limitKiB = 230;
const out = resolve(dirname(fileURLToPath(import.meta.url)), '../apps/web/out');
const html = readFileSync(join(out, 'instances.html'), 'utf8');
// Scripts for browsers without modules (`noModule`) are never loaded by those we support.
const tags = [...html.matchAll(/<(?:script|link)\b[^>]*>/g)]
  .map(([tag]) => tag)
  .filter((tag) => !/\bnomodule\b/i.test(tag));
const named = tags.flatMap((tag) =>
  [...tag.matchAll(/(?:src|href)="(\/_next\/[^"]+\.(?:js|css))"/g)].map((match) => match[1]),
);
const inFlight = [...html.matchAll(/\/_next\/static\/chunks\/[\w.~-]+\.(?:js|css)/g)].map(([path]) => path);
const skipped = new Set(
  [...html.matchAll(/<script\b[^>]*\bnomodule\b[^>]*>/gi)].flatMap(([tag]) =>
    [...tag.matchAll(/src="([^"]+)"/g)].map((match) => match[1]),
  ),
);
const files = [...new Set([...named, ...inFlight])].filter((path) => !skipped.has(path));

let total = 0;
for (const path of files) {
  const file = join(out, path);
  const bytes = existsSync(`${file}.br`)
    ? readFileSync(`${file}.br`).length
    : brotliCompressSync(readFileSync(file)).length;
  total += bytes;
  console.log(`${(bytes / 1024).toFixed(1).padStart(7)} KiB  ${path}`);
}
console.log(`${(total / 1024).toFixed(1).padStart(7)} KiB  in ${files.length} files; the limit is ${limitKiB} KiB`);
if (files.length === 0 || total > limitKiB * 1024) process.exit(1);
