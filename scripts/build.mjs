// Builds what has changed: Prisma client, server bundle, dashboard. A target is skipped when the hash of its inputs is the one it was last built from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

const ignored = new Set(['node_modules', 'out', 'dist', '.next', 'generated', '.turbo']);
const irrelevant = /\.(test|spec|contract)\.tsx?$|\.tsbuildinfo$|next-env\.d\.ts$/;

function hashInto(hash, path) {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name);
    if (entry.isDirectory() && !ignored.has(entry.name)) hashInto(hash, child);
    else if (entry.isFile() && !irrelevant.test(entry.name))
      hash.update(child).update('\0').update(readFileSync(child));
  }
}

function hashOf(inputs) {
  const hash = createHash('sha256').update(process.version);
  for (const input of inputs) {
    if (/\.\w+$/.test(input)) hash.update(readFileSync(input));
    else hashInto(hash, input);
  }
  return hash.digest('hex');
}

function runCommand(file, args, options = {}) {
  const result = spawnSync(file, args, { stdio: 'inherit', ...options });
  if (result.status !== 0)
    throw new Error(`${file} ${args.join(' ')} failed (${result.status ?? result.error?.message})`);
}

async function bundleServer() {
  const { build } = await import('esbuild');
  rmSync('apps/server/dist', { recursive: true, force: true });
  await build({
    entryPoints: { main: 'apps/server/src/main.ts', 'terminal-host': 'packages/runtime/src/terminals/host-main.ts' },
    outdir: 'apps/server/dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    splitting: false,
    logLevel: 'warning',
    legalComments: 'none',
    loader: { '.yaml': 'text' },
    // CommonJS parts of the generated client may ask for these.
    banner: {
      js: "import { createRequire as _createRequire } from 'node:module'; const require = _createRequire(import.meta.url);",
    },
    plugins: [
      {
        name: 'packages-stay-outside',
        setup(builder) {
          builder.onResolve({ filter: /^[^./]/ }, (args) =>
            args.kind === 'entry-point' || args.path.startsWith('@stapes/')
              ? undefined
              : { path: args.path, external: true },
          );
        },
      },
    ],
  });
}

const targets = [
  {
    name: 'database client',
    inputs: ['prisma', 'package-lock.json'],
    output: 'apps/server/src/store/generated',
    build: () => runCommand('bash', ['scripts/generate-prisma']),
  },
  {
    name: 'server',
    inputs: [
      'apps/server/src',
      'packages/contract/src',
      'packages/runtime/src',
      'scripts/images',
      'prisma',
      'package-lock.json',
      'scripts/build.mjs',
    ],
    output: 'apps/server/dist/main.js',
    build: bundleServer,
  },
  {
    name: 'dashboard',
    inputs: ['apps/web', 'public', 'packages/contract/src', 'package-lock.json', 'scripts/compress-web.mjs'],
    output: 'apps/web/out/index.html',
    build() {
      runCommand(join(root, 'node_modules/.bin/next'), ['build'], {
        cwd: 'apps/web',
        env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' },
      });
      runCommand('node', ['scripts/compress-web.mjs']);
    },
  },
];

const only = process.argv.slice(2);
mkdirSync('node_modules/.cache/stapes', { recursive: true });
for (const target of targets) {
  if (only.length > 0 && !only.includes(target.name)) continue;
  const stamp = `node_modules/.cache/stapes/${target.name.replace(' ', '-')}`;
  const hash = hashOf(target.inputs);
  const last = existsSync(stamp) && existsSync(target.output) ? readFileSync(stamp, 'utf8') : '';
  if (last === hash) continue;
  console.log(`Building the ${target.name}`);
  const startedAt = Date.now();
  await target.build();
  writeFileSync(stamp, hash);
  console.log(`Built the ${target.name} in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}
