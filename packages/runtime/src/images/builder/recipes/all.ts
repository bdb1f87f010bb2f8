import type { RecipeSource } from '../recipe.ts';
import { busybox } from './busybox.ts';
import { debian12 } from './debian-12.ts';

/** In the order in which they are offered. */
export const allRecipes: readonly RecipeSource[] = [debian12, busybox];
