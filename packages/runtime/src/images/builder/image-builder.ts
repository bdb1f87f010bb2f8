import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { stringify } from 'yaml';
import { run } from '../../host/run.ts';
import type { ImageBuilder, Progress } from '../source.ts';
import { preparedName, publicRecipe, recipeHash, type RecipeSource } from './recipe.ts';
import { allRecipes } from './recipes/all.ts';
import { buildRootfs } from './rootfs.ts';

export interface ImageBuilderConfig {
  /** Prepared builds lie in `<cacheDir>/images`. */
  cacheDir: string;
  recipes?: readonly RecipeSource[];
  /** Proxies and `STAPES_DEBIAN_MIRROR` are read from here. */
  env?: Record<string, string | undefined>;
}
interface BuildOptions {
  signal?: AbortSignal;
  progress?: Progress;
}
export interface PreparingImageBuilder extends ImageBuilder {
  /** Builds into the cache unless the same recipe is there already; returns the file, and whether it had to be built. */
  prepare(recipe: string, options?: BuildOptions & { force?: boolean }): Promise<{ path: string; built: boolean }>;
}

export function createImageBuilder(config: ImageBuilderConfig): PreparingImageBuilder {
  const recipes = config.recipes ?? allRecipes;
  const env = config.env ?? process.env;
  const directory = join(config.cacheDir, 'images');
  const find = (name: string) => {
    const recipe = recipes.find((r) => r.name === name);
    if (!recipe)
      throw new DomainError(
        'not-found',
        `There is no recipe "${name}"; known are ${recipes.map((r) => r.name).join(', ')}`,
      );
    return recipe;
  };
  const pathOf = (recipe: RecipeSource) => join(directory, `${preparedName(recipe, architecture().debian)}.tar.zst`);

  return {
    recipes: () => recipes.map(publicRecipe),
    prepared: (name) => isPrepared(pathOf(find(name)), find(name)),
    async build(name, target, options) {
      const recipe = find(name);
      const cached = pathOf(recipe);
      const partial = `${target}.part-${randomBytes(6).toString('hex')}`;
      try {
        if (await isPrepared(cached, recipe)) {
          options.progress?.({ text: 'Taking the prepared build', fraction: 0.5 });
          await copyFile(cached, partial, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        } else {
          await buildImage(recipe, partial, { ...options, directory, env });
        }
        options.signal?.throwIfAborted();
        await rename(partial, target);
      } catch (error) {
        await rm(partial, { force: true });
        throw options.signal?.aborted
          ? new DomainError('cancelled', `Building ${name} was cancelled`, { cause: error })
          : error;
      }
    },
    async prepare(name, options = {}) {
      const recipe = find(name);
      const path = pathOf(recipe);
      if (!options.force && (await isPrepared(path, recipe))) return { path, built: false };
      await mkdir(directory, { recursive: true, mode: 0o755 });
      const partial = join(directory, `.part-${randomBytes(6).toString('hex')}`);
      try {
        await buildImage(recipe, partial, { ...options, directory, env });
        // The stamp is gone while the file changes: a crash between the two means "not prepared", never a wrong match.
        await rm(`${path}.recipe`, { force: true });
        await rename(partial, path);
        await writeFile(`${path}.recipe`, `${recipeHash(recipe)}\n`);
      } finally {
        await rm(partial, { force: true });
      }
      return { path, built: true };
    },
  };
}

async function isPrepared(path: string, recipe: RecipeSource): Promise<boolean> {
  const stamp = await readFile(`${path}.recipe`, 'utf8').catch(() => '');
  if (stamp.trim() !== recipeHash(recipe)) return false;
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Names of this machine's architecture, as the kernel and as Debian call it. */
function architecture(): { kernel: string; debian: string } {
  const known: Record<string, { kernel: string; debian: string }> = {
    x64: { kernel: 'x86_64', debian: 'amd64' },
    arm64: { kernel: 'aarch64', debian: 'arm64' },
  };
  return known[process.arch] ?? { kernel: process.arch, debian: process.arch };
}

async function buildImage(
  recipe: RecipeSource,
  target: string,
  options: BuildOptions & { directory: string; env: Record<string, string | undefined> },
): Promise<void> {
  const { directory, env, ...rest } = options;
  // 0700: the tree has setuid programs of another system in it.
  await removeAbandoned(directory);
  const work = join(directory, `.build-${randomBytes(6).toString('hex')}`);
  await mkdir(work, { recursive: true, mode: 0o700 });
  try {
    await buildRootfs(recipe, { directory: join(work, 'rootfs'), env, ...rest });
    await writeMetadata(recipe, work);
    rest.progress?.({ text: 'Packing the image', fraction: 0.9 });
    const members = ['metadata.yaml', 'templates', 'rootfs'];
    const tar = [
      '--create',
      '--file',
      target,
      '--directory',
      work,
      '--numeric-owner',
      '--sort=name',
      '--xattrs',
      '--xattrs-include=*',
      '--use-compress-program=zstd -T0 -9',
    ];
    await run('tar', [...tar, '--', ...members], {
      timeoutMs: 15 * 60_000,
      ...(rest.signal ? { signal: rest.signal } : {}),
    });
    rest.progress?.({ text: 'Built', fraction: 1 });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function writeMetadata(recipe: RecipeSource, work: string): Promise<void> {
  const { kernel, debian } = architecture();
  const now = new Date();
  const serial = now.toISOString().slice(0, 16).replace(/[-T:]/g, '');
  const metadata = {
    architecture: kernel,
    creation_date: Math.floor(now.getTime() / 1000),
    properties: {
      description: `${recipe.description} ${debian}`,
      os: recipe.os,
      release: recipe.release,
      architecture: debian,
      serial,
      recipe: recipe.name,
    },
    templates: Object.fromEntries(recipe.templates.map(({ target, name, when }) => [target, { when, template: name }])),
  };
  await writeFile(join(work, 'metadata.yaml'), stringify(metadata));
  await mkdir(join(work, 'templates'), { mode: 0o755 });
  for (const { name, content } of recipe.templates) await writeFile(join(work, 'templates', name), content);
}

/** Work folders that a killed build left; one that is being written to is far younger. */
async function removeAbandoned(directory: string): Promise<void> {
  const longAgo = Date.now() - 6 * 3600_000;
  for (const name of await readdir(directory).catch(() => [])) {
    if (!/^\.(?:build|part)-[0-9a-f]{12}$/.test(name)) continue;
    const info = await stat(join(directory, name)).catch(() => null);
    if (info && info.mtimeMs < longAgo) await rm(join(directory, name), { recursive: true, force: true });
  }
}
