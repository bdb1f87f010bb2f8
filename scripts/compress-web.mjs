// Compresses the built dashboard ahead of time: `x.br` and `x.gz` beside each text file, so that the server only hands out bytes.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const out = resolve(dirname(fileURLToPath(import.meta.url)), '../apps/web/out');
const text = /\.(html|js|css|txt|json|svg|webmanifest|map)$/;
const smallest = 512;

let raw = 0;
let small = 0;
for (const name of readdirSync(out, { recursive: true })) {
  const path = join(out, name);
  if (!text.test(path) || !statSync(path).isFile()) continue;
  const bytes = readFileSync(path);
  if (bytes.length < smallest) continue;
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  raw += bytes.length;
  small += brotli.length;
}
console.log(`Compressed the dashboard: ${Math.round(raw / 1024)} KiB to ${Math.round(small / 1024)} KiB`);
