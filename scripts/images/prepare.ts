import { messageOf } from '@stapes/contract/errors';
import { createImageBuilder } from '@stapes/runtime/images/builder/image-builder';

/** See `scripts/images/prepare`. A build that fails is no reason not to start: the dashboard builds it on demand and shows the error. */
const words = process.argv.slice(2);
const force = words.includes('--force');
const builder = createImageBuilder({ cacheDir: process.env.STAPES_CACHE_DIR ?? '/var/cache/stapes' });
const named = words.filter((word) => !word.startsWith('--'));
const names = named.length > 0 ? named : builder.recipes().map(({ name }) => name);
let failed = false;
for (const name of names) {
  try {
    const { path, built } = await builder.prepare(name, {
      force,
      progress: ({ text, fraction }) =>
        console.log(`${name}: ${text}${fraction === null ? '' : ` (${Math.round(fraction * 100)} %)`}`),
    });
    if (built) console.log(`${name}: prepared as ${path}`);
  } catch (error) {
    console.error(`${name}: not prepared. ${messageOf(error)}`);
    failed = true;
  }
}
process.exitCode = failed && named.length > 0 ? 1 : 0;
