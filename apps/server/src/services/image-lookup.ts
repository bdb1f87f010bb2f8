import { DomainError } from '@stapes/contract/errors';
import { aliasNameSchema, fingerprintPrefixSchema } from '@stapes/contract/names';
import type { ImageRow, Store } from '../store/store.ts';

/** An image by alias, whole fingerprint or unique start of one. Aliases win: `debian` may look like hex to nobody, but `beef` does. */
export async function findImage(
  store: Store,
  text: string,
  options: { field?: string; byPrefix: boolean },
): Promise<ImageRow> {
  const details = options.field ? { details: { field: options.field } } : {};
  const alias = aliasNameSchema.safeParse(text).success ? await store.aliases.find(text) : null;
  if (alias) return ready(await store.images.find(alias.fingerprint), text, details);
  if (options.byPrefix && fingerprintPrefixSchema.safeParse(text).success)
    return findImageByPrefix(store, text, options.field);
  return ready(null, text, details);
}

export async function findImageByPrefix(store: Store, prefix: string, field?: string): Promise<ImageRow> {
  const details = field ? { details: { field } } : {};
  if (!fingerprintPrefixSchema.safeParse(prefix).success) return ready(null, prefix, details);
  const found = (await store.images.findByPrefix(prefix)).filter((image) => image.phase === 'ready');
  if (found.length > 1)
    throw new DomainError('invalid', `The fingerprint "${prefix}" fits several images: give more of it`, details);
  return ready(found[0] ?? null, prefix, details);
}

function ready(image: ImageRow | null, text: string, details: object): ImageRow {
  if (!image || image.phase !== 'ready') throw new DomainError('not-found', `There is no image "${text}"`, details);
  return image;
}
