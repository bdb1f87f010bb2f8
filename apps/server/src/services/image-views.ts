import type { Image } from '@stapes/contract/image';
import type { AliasRow, ImageRow } from '../store/store.ts';
import { etagOf } from './etag.ts';
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

export function imageEtag(row: ImageRow): string {
  return etagOf([row.public, row.properties, row.expiresAtMs]);
}
