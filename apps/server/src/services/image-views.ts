import type { Image } from '@stapes/contract/image';
import { noTime } from '@stapes/contract/instance';
import type { AliasRow, ImageRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { etagOf } from './etag.ts';
import { hostArchitecture } from './instance-plan.ts';
import { timeOf } from './instance-views.ts';

export function toImage(row: ImageRow, aliases: AliasRow[]): Image {
  return {
    fingerprint: row.fingerprint,
    filename: row.filename,
    size: row.sizeBytes,
    type: row.type,
    architecture: row.architecture,
    public: row.public,
    cached: row.cached,
    auto_update: false,
    properties: row.properties,
    aliases: aliases.map(({ name, description }) => ({ name, description })),
    profiles: ['default'],
    created_at: timeOf(row.createdAtMs),
    expires_at: timeOf(row.expiresAtMs),
    last_used_at: timeOf(row.lastUsedAtMs),
    uploaded_at: timeOf(row.uploadedAtMs),
    project: 'default',
  };
}

/**
 * A recipe that was not built yet, as the image that it will be. `lxc launch debian/12` asks for the image first and then creates from the
 * fingerprint that it was told: here that is the recipe's name, and the create builds it. Null for any other name.
 */
export async function offeredImage(deps: BaseDeps, name: string): Promise<Image | null> {
  const recipe = deps.runtime.builder.recipes().find((known) => known.name === name);
  if (!recipe || (await deps.store.aliases.find(name))) return null;
  const { description, os, release } = recipe;
  return {
    fingerprint: name,
    filename: '',
    size: 0,
    type: recipe.type,
    architecture: hostArchitecture(),
    public: false,
    cached: false,
    auto_update: false,
    properties: { description, os, release },
    aliases: [{ name, description }],
    profiles: ['default'],
    created_at: noTime,
    expires_at: noTime,
    last_used_at: noTime,
    uploaded_at: noTime,
    project: 'default',
  };
}

export function imageEtag(row: ImageRow): string {
  return etagOf([row.public, row.properties, row.expiresAtMs]);
}
