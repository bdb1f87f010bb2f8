import { DomainError } from '@stapes/contract/errors';
import { createAliasSchema, type ImageAliasEntry } from '@stapes/contract/image';
import { aliasNameSchema } from '@stapes/contract/names';
import { z } from 'zod';
import type { AliasRow } from '../store/store.ts';
import type { ServiceDeps } from './deps.ts';
import { etagOf, requireMatch } from './etag.ts';
import { findImageByPrefix } from './image-lookup.ts';
import { publishLifecycle, requestorOf } from './lifecycle.ts';
import type { ImagesService } from './services.ts';
import { admit, parse } from './validate.ts';

const putAliasSchema = z.object({
  target: z.string().max(64).optional(),
  description: z.string().max(4096).optional(),
});
const aliasUrl = (name: string) => `/1.0/images/aliases/${encodeURIComponent(name)}`;
const toEntry = (row: AliasRow): ImageAliasEntry => ({
  name: row.name,
  description: row.description,
  type: row.type,
  target: row.fingerprint,
});
const etag = (row: AliasRow) => etagOf(toEntry(row));

type Aliases = Pick<ImagesService, 'aliases' | 'alias' | 'createAlias' | 'putAlias' | 'renameAlias' | 'removeAlias'>;

export function createImageAliases(deps: ServiceDeps): Aliases {
  const { store } = deps;
  const need = async (name: string): Promise<AliasRow> => {
    const row = aliasNameSchema.safeParse(name).success ? await store.aliases.find(name) : null;
    if (!row) throw new DomainError('not-found', `There is no alias "${name}"`);
    return row;
  };
  const refuseTaken = async (name: string) => {
    if (await store.aliases.find(name))
      throw new DomainError('exists', `There is an alias "${name}" already: choose another name`, {
        details: { field: 'name' },
      });
  };
  return {
    async aliases(context) {
      admit(context);
      return (await store.aliases.list()).map(toEntry);
    },
    async alias(context, name) {
      admit(context);
      const row = await need(name);
      return { value: toEntry(row), etag: etag(row) };
    },
    async createAlias(context, request) {
      admit(context);
      const parsed = parse(createAliasSchema, request);
      await refuseTaken(parsed.name);
      const image = await findImageByPrefix(store, parsed.target, 'target');
      await store.aliases.create({
        name: parsed.name,
        description: parsed.description ?? '',
        type: image.type,
        fingerprint: image.fingerprint,
      });
      publishLifecycle(deps, {
        action: 'image-alias-created',
        source: aliasUrl(parsed.name),
        name: parsed.name,
        requestor: requestorOf(context),
      });
    },
    async putAlias(context, name, request, match) {
      admit(context);
      const row = await need(name);
      requireMatch(match, etag(row));
      const change = parse(putAliasSchema, request);
      const image = change.target ? await findImageByPrefix(store, change.target, 'target') : null;
      await store.aliases.update(name, {
        description: change.description ?? row.description,
        ...(image ? { fingerprint: image.fingerprint, type: image.type } : {}),
      });
      publishLifecycle(deps, {
        action: 'image-alias-updated',
        source: aliasUrl(name),
        name,
        requestor: requestorOf(context),
      });
    },
    async renameAlias(context, name, newName) {
      admit(context);
      await need(name);
      const to = parse(aliasNameSchema, newName, 'name');
      await refuseTaken(to);
      await store.aliases.update(name, { name: to });
      publishLifecycle(deps, {
        action: 'image-alias-renamed',
        source: aliasUrl(to),
        name: to,
        requestor: requestorOf(context),
        context: { old_name: name },
      });
    },
    async removeAlias(context, name) {
      admit(context);
      await need(name);
      await store.aliases.remove(name);
      publishLifecycle(deps, {
        action: 'image-alias-deleted',
        source: aliasUrl(name),
        name,
        requestor: requestorOf(context),
      });
    },
  };
}
