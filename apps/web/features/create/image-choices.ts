import type { Image, ImageRecipe } from '@stapes/contract/image';
import { formatBytes } from '../../lib/format.ts';
import type { ImageChoice } from './create-values.ts';

function ofImage(image: Image, recipe: ImageRecipe | undefined): ImageChoice {
  const alias = image.aliases[0]?.name;
  const { os, release, description } = image.properties;
  const title =
    recipe?.description || [os, release].filter(Boolean).join(' ') || alias || image.fingerprint.slice(0, 12);
  return {
    id: `image:${image.fingerprint}`,
    title,
    detail: [alias ?? image.fingerprint.slice(0, 12), formatBytes(image.size), recipe ? '' : description]
      .filter(Boolean)
      .join(' · '),
    source: { type: 'image', ...(alias ? { alias } : { fingerprint: image.fingerprint }) },
    before: 'nothing',
  };
}

/** Images of this server first, then what it can build. A recipe that was built is its image. */
export function imageChoices(images: readonly Image[], recipes: readonly ImageRecipe[]): ImageChoice[] {
  const local = images
    .filter((image) => image.type === 'container')
    .map((image) =>
      ofImage(
        image,
        recipes.find((recipe) => recipe.built === image.fingerprint),
      ),
    );
  const built = new Set(images.map((image) => image.fingerprint));
  const offered = recipes
    .filter((recipe) => recipe.type === 'container' && !(recipe.built && built.has(recipe.built)))
    .map((recipe): ImageChoice => ({
      id: `recipe:${recipe.name}`,
      title: recipe.description || `${recipe.os} ${recipe.release}`.trim(),
      detail: recipe.name,
      source: { type: 'image', alias: recipe.name, recipe: recipe.name },
      before: recipe.prepared ? 'prepared' : 'build',
    }));
  return [...local, ...offered];
}

/** The asked one, else Debian, else the first. */
export function firstChoice(choices: readonly ImageChoice[], asked: string | undefined): ImageChoice | null {
  const fits = (choice: ImageChoice) =>
    choice.source.alias === asked || choice.source.fingerprint === asked || choice.id.endsWith(`:${asked ?? ''}`);
  return (
    (asked ? choices.find(fits) : undefined) ??
    choices.find((choice) => /debian/i.test(choice.title)) ??
    choices[0] ??
    null
  );
}
