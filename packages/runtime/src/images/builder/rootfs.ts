import { chmod, copyFile, lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { hostEnvironment, run } from '../../host/run.ts';
import type { Progress } from '../source.ts';
import { proxyEnvironment, readAptOptions, readMirrors } from './mirror.ts';
import type { BusyboxBase, DebianBase, RecipeSource } from './recipe.ts';

export interface RootfsOptions {
  directory: string;
  env: Record<string, string | undefined>;
  signal?: AbortSignal;
  progress?: Progress;
}

/** Fills `directory` (absent before) with the recipe's root file system. */
export async function buildRootfs(recipe: RecipeSource, options: RootfsOptions): Promise<void> {
  if (recipe.base.kind === 'debian') await debianBase(recipe.base, options);
  else await busyboxBase(recipe.base, options);
  await overlay(recipe, options.directory);
}

async function debianBase(base: DebianBase, { directory, env, signal, progress }: RootfsOptions): Promise<void> {
  const mirrors = await readMirrors(base.suite, env);
  const sources = [base.suite, ...base.updates].map((suite) => `deb ${mirrors.main} ${suite} ${base.components}`);
  if (mirrors.security) sources.push(`deb ${mirrors.security} ${base.suite}-security ${base.components}`);
  // Own namespaces: when the build is cancelled and its first process killed, all others and their mounts are gone with it.
  const isolate = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private', '--'];
  const args = [
    'mmdebstrap',
    '--mode=root',
    '--format=directory',
    `--variant=${base.variant}`,
    `--include=${base.packages.join(',')}`,
  ];
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  if (await lstat(keyring).catch(() => null)) args.push(`--keyring=${keyring}`);
  for (const option of await readAptOptions()) args.push(`--aptopt=${option}`);
  args.push(base.suite, directory, ...sources);
  const steps = mmdebstrapSteps(progress);
  await run('unshare', [...isolate, ...args], {
    env: { ...hostEnvironment, ...proxyEnvironment(env), DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: 30 * 60_000,
    onStderr: steps,
    ...(signal ? { signal } : {}),
  }).catch((cause: unknown) => {
    if (cause instanceof DomainError && cause.code !== 'internal') throw cause;
    const why =
      cause instanceof DomainError
        ? (cause.details.stderr ?? '')
            .split('\n')
            .filter((l) => /^(?:E|W):|Err:|Could not/.test(l.trim()))
            .slice(-3)
            .join('; ')
        : '';
    throw new DomainError(
      'unavailable',
      `Cannot build ${base.suite} from ${mirrors.main}${why ? `: ${why}` : ''}. Is the mirror reachable? STAPES_DEBIAN_MIRROR names another.`,
      {
        cause,
        details: cause instanceof DomainError ? cause.details : {},
      },
    );
  });
}

const steps: [RegExp, string, number][] = [
  [/running apt-get update/, 'Reading package lists', 0.05],
  [/downloading packages with apt/, 'Downloading packages', 0.1],
  [/extracting archives/, 'Unpacking the base system', 0.3],
  [/installing essential packages/, 'Installing the base system', 0.4],
  [/downloading (?:remaining )?packages/i, 'Downloading packages', 0.55],
  [/installing remaining packages|installing packages/, 'Installing packages', 0.65],
  [/cleaning package lists/, 'Cleaning up', 0.85],
];

function mmdebstrapSteps(progress: Progress | undefined): (text: string) => void {
  let reached = 0;
  return (text) => {
    for (const [pattern, label, fraction] of steps) {
      if (fraction <= reached || !pattern.test(text)) continue;
      reached = fraction;
      progress?.({ text: label, fraction });
    }
  };
}

async function busyboxBase(base: BusyboxBase, { directory, signal, progress }: RootfsOptions): Promise<void> {
  const binary = '/bin/busybox';
  progress?.({ text: 'Copying busybox', fraction: 0.1 });
  const { stdout } = await run(binary, ['--list'], signal ? { signal } : {});
  const applets = stdout.split('\n').filter((name) => /^[a-z0-9_[\]-]+$/.test(name));
  for (const path of base.directories) await mkdir(join(directory, path), { recursive: true });
  await copyFile(binary, join(directory, 'bin/busybox'));
  await chmod(join(directory, 'bin/busybox'), 0o755);
  await refuseDynamic(binary);
  for (const name of applets) {
    if (name !== 'busybox' && name !== 'init') await symlink('busybox', join(directory, 'bin', name));
  }
  for (const [path, mode] of [
    ['tmp', 0o1777],
    ['var/tmp', 0o1777],
    ['root', 0o700],
  ] as const)
    await chmod(join(directory, path), mode);
}

/** A busybox that needs the host's libraries would not run in a tree without them. */
async function refuseDynamic(binary: string): Promise<void> {
  const { code, stdout } = await run('ldd', [binary], { okCodes: [0, 1] });
  if (code === 0 && stdout.includes('libc')) {
    throw new DomainError(
      'unavailable',
      `${binary} is not static: install the package busybox-static to build this image`,
    );
  }
}

/** Only trees that we built ourselves come here, so plain paths are safe; links in them are still replaced, not followed. */
async function overlay(recipe: RecipeSource, directory: string): Promise<void> {
  for (const path of recipe.empty) {
    const full = join(directory, path);
    const stat = await lstat(full).catch(() => null);
    if (stat?.isDirectory())
      for (const name of await readdir(full)) await rm(join(full, name), { recursive: true, force: true });
    else if (stat) await rm(full);
  }
  for (const { path, content, mode } of recipe.files) {
    await prepareParent(directory, path);
    await writeFile(join(directory, path), content, { flag: 'wx' });
    await chmod(join(directory, path), mode ?? 0o644);
  }
  for (const { path, target } of recipe.links) {
    await prepareParent(directory, path);
    await symlink(target, join(directory, path));
  }
}

async function prepareParent(directory: string, path: string): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await rm(join(directory, path), { force: true });
}
