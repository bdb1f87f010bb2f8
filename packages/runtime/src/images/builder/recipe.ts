import { createHash } from 'node:crypto';
import type { Recipe } from '../source.ts';

/** A recipe is data: what the tree is made of, and what is laid over it. A new one is a file in `recipes/` and a line in `recipes/all.ts`. */
export interface RecipeSource extends Recipe {
  base: DebianBase | BusyboxBase;
  /** Files laid over the base; a path that exists is replaced. Mode 0644 unless given. */
  files: { path: string; content: string; mode?: number }[];
  links: { path: string; target: string }[];
  /** Paths whose content is taken away at the end (the directory itself stays), or the file when it is one. */
  empty: string[];
  templates: RecipeTemplate[];
}

export interface DebianBase {
  kind: 'debian';
  /** Code name. */
  suite: string;
  /** Further suites of the main mirror. */
  updates: string[];
  components: string;
  variant: 'minbase' | 'essential' | 'standard';
  packages: string[];
}

/** The host's own static busybox, with a link for each of its applets. */
export interface BusyboxBase {
  kind: 'busybox';
  directories: string[];
}

export interface RecipeTemplate {
  /** File that it makes in the instance. */
  target: string;
  /** Bare name in `templates/`. */
  name: string;
  when: ('create' | 'copy' | 'start' | 'rename')[];
  content: string;
}

/** Changes whenever the recipe does; a prepared build is only taken when it was made from the same. */
export function recipeHash(recipe: RecipeSource): string {
  return createHash('sha256').update(JSON.stringify(recipe)).digest('hex');
}

/** `debian/12` on amd64 is prepared as `debian-12-amd64.tar.zst`. */
export function preparedName(recipe: RecipeSource, architecture: string): string {
  return `${recipe.name.replaceAll('/', '-')}-${architecture}`;
}

export function publicRecipe({ name, description, os, release, type, needsMirror }: RecipeSource): Recipe {
  return { name, description, os, release, type, needsMirror };
}
