import { lstat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { putImageSchema, type Image } from '@stapes/contract/image';
import { aliasNameSchema, fingerprintSchema } from '@stapes/contract/names';
import type { Operation } from '@stapes/contract/operation';
import { mintId } from '../store/mint-id.ts';
import type { AliasRow, ImageRow } from '../store/store.ts';
import type { Sagas } from '../sagas/sagas.ts';
import type { Context } from './context.ts';
import type { ServiceDeps } from './deps.ts';
import { etagOf, requireMatch } from './etag.ts';
import { createImageAliases } from './image-aliases.ts';
import { imageFiles, makeUploadDirectory, removeUploadDirectory, uploadsDirectory } from './image-files.ts';
import { findImageByPrefix } from './image-lookup.ts';
import { imageEtag, offeredImage, toImage } from './image-views.ts';
import { imageUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { toPoolRef } from './machine.ts';
import { builtImage, toImageRow } from './recipe-build.ts';
import type { ImagesService } from './services.ts';
import { parseExpiry } from './snapshots.ts';
import { admit, invalid, parse } from './validate.ts';

const mostUploadBytes = 64 * 1024 ** 3;
const bareName = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export interface ImageDeps extends ServiceDeps {
  sagas: Sagas;
}
type ImportCall = Parameters<ImagesService['importUpload']>;

/** Only what a door got from `openUpload`, and bare names in it. */
function checkUpload(deps: ImageDeps, upload: ImportCall[1]): string {
  const uploadId = basename(upload.directory);
  if (
    !/^[a-z0-9]{16}$/.test(uploadId) ||
    resolve(dirname(upload.directory)) !== resolve(uploadsDirectory(deps.config))
  ) {
    throw new DomainError('internal', 'An image can only be imported from an upload of this server');
  }
  for (const name of [upload.metadataFile, upload.rootfsFile])
    if (name !== null && !bareName.test(name)) throw invalid('filename', 'The server names the files of an upload');
  return uploadId;
}

async function importUpload(deps: ImageDeps, [context, upload, options]: ImportCall): Promise<Operation> {
  admit(context);
  const uploadId = checkUpload(deps, upload);
  const at = (name: string) => join(upload.directory, name);
  for (const name of [upload.metadataFile, upload.rootfsFile]) {
    if (name !== null && !(await lstat(at(name))).isFile())
      throw new DomainError('invalid', 'The upload is not a file');
  }
  const claimed = options.fingerprint ? parse(fingerprintSchema, options.fingerprint, 'fingerprint') : null;
  const aliases = (options.aliases ?? []).map((alias) => ({
    name: parse(aliasNameSchema, alias.name, 'aliases'),
    description: alias.description ?? '',
  }));
  parse(putImageSchema, { properties: options.properties ?? {} });
  for (const alias of aliases) {
    if (await deps.store.aliases.find(alias.name))
      throw new DomainError('exists', `There is an alias "${alias.name}" already: choose another name`, {
        details: { field: 'aliases' },
      });
  }
  const found = await deps.runtime.images.inspect({
    metadataPath: at(upload.metadataFile),
    rootfsPath: upload.rootfsFile === null ? null : at(upload.rootfsFile),
  });
  if (claimed !== null && claimed !== found.fingerprint) {
    throw new DomainError(
      'invalid',
      `The image is not what was announced: its fingerprint is ${found.fingerprint}, not ${claimed}. Upload it again`,
      { details: { field: 'fingerprint' } },
    );
  }
  const before = await deps.store.images.find(found.fingerprint);
  if (before)
    throw new DomainError('exists', `The image ${found.fingerprint} is there already`, {
      details: { field: 'fingerprint' },
    });
  const filename = (options.filename ?? `${found.fingerprint.slice(0, 12)}.tar`)
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, 200);
  const image = toImageRow(found, {
    filename,
    split: upload.rootfsFile !== null,
    public: options.public ?? false,
    properties: options.properties ?? {},
  });
  return deps.engine.startSaga(
    context,
    deps.sagas.imageImport,
    {
      image,
      uploadId,
      metadataFile: upload.metadataFile,
      rootfsFile: upload.rootfsFile,
      aliases,
      requestor: requestorOf(context),
    },
    {
      description: 'Importing image',
      locks: [`image:${image.fingerprint}`],
      resources: { images: [imageUrl(image.fingerprint)] },
      metadata: { fingerprint: image.fingerprint },
    },
  );
}

function createRecipes(deps: ImageDeps): Pick<ImagesService, 'recipes' | 'build'> {
  return {
    async recipes(context) {
      admit(context);
      return Promise.all(
        deps.runtime.builder.recipes().map(async ({ needsMirror, ...recipe }) => ({
          ...recipe,
          built: (await builtImage(deps, recipe.name))?.fingerprint ?? null,
          prepared: await deps.runtime.builder.prepared(recipe.name),
          needs_mirror: needsMirror,
        })),
      );
    },
    async build(context, recipe) {
      admit(context);
      if (!deps.runtime.builder.recipes().some(({ name }) => name === recipe))
        throw new DomainError('not-found', `There is no recipe "${recipe}"`, { details: { field: 'recipe' } });
      return deps.engine.startSaga(
        context,
        deps.sagas.imageBuild,
        { recipe, buildId: mintId(), requestor: requestorOf(context) },
        {
          description: 'Building image',
          locks: [`build:${recipe}`],
          resources: {},
          cancelable: true,
          metadata: { recipe },
        },
      );
    },
  };
}

export function createImagesService(deps: ImageDeps): ImagesService {
  const { store } = deps;
  const aliasesByImage = async () => {
    const all = new Map<string, AliasRow[]>();
    for (const alias of await store.aliases.list())
      all.set(alias.fingerprint, [...(all.get(alias.fingerprint) ?? []), alias]);
    return all;
  };
  async function update(
    context: Context,
    fingerprint: string,
    options: { request: unknown; merge: boolean; match: string | undefined },
  ): Promise<void> {
    admit(context);
    const row = await findImageByPrefix(store, fingerprint);
    requireMatch(options.match, imageEtag(row));
    const change = parse(putImageSchema, options.request);
    const { merge } = options;
    const properties = merge ? { ...row.properties, ...(change.properties ?? {}) } : (change.properties ?? {});
    await store.images.update(row.fingerprint, {
      public: change.public ?? (merge ? row.public : false),
      properties,
      expiresAtMs: change.expires_at === undefined ? row.expiresAtMs : parseExpiry(change.expires_at),
    });
    publishLifecycle(deps, {
      action: 'image-updated',
      source: imageUrl(row.fingerprint),
      name: row.fingerprint,
      requestor: requestorOf(context),
    });
  }
  const one = async (row: ImageRow): Promise<Image> => toImage(row, await store.aliases.ofImage(row.fingerprint));
  return {
    ...createImageAliases(deps),
    ...createRecipes(deps),
    async list(context) {
      admit(context);
      const aliases = await aliasesByImage();
      return (await store.images.list())
        .filter(({ phase }) => phase === 'ready')
        .map((row) => toImage(row, aliases.get(row.fingerprint) ?? []));
    },
    async get(context, fingerprint) {
      admit(context);
      const offer = await offeredImage(deps, fingerprint);
      if (offer) return { value: offer, etag: etagOf(offer) };
      const row = await findImageByPrefix(store, fingerprint);
      return { value: await one(row), etag: imageEtag(row) };
    },
    put: (context, fingerprint, request, match) => update(context, fingerprint, { request, merge: false, match }),
    patch: (context, fingerprint, request, match) => update(context, fingerprint, { request, merge: true, match }),
    async remove(context, fingerprint) {
      admit(context);
      const row = await findImageByPrefix(store, fingerprint);
      const pools = (await store.pools.list()).filter(({ phase }) => phase === 'ready').map(toPoolRef);
      return deps.engine.startSaga(
        context,
        deps.sagas.imageDelete,
        { fingerprint: row.fingerprint, pools, requestor: requestorOf(context) },
        {
          description: 'Deleting image',
          locks: [`image:${row.fingerprint}`],
          resources: { images: [imageUrl(row.fingerprint)] },
        },
      );
    },
    async openUpload(context) {
      admit(context);
      const id = mintId();
      const directory = await makeUploadDirectory(deps.config, id);
      const { bavail, bsize } = await statfs(directory);
      return {
        directory,
        maxBytes: Math.min(mostUploadBytes, Math.floor(bavail * bsize * 0.9)),
        dispose: () => removeUploadDirectory(deps.config, id),
      };
    },
    importUpload: (...call) => importUpload(deps, call),
    async exportFiles(context, fingerprint) {
      admit(context);
      const row = await findImageByPrefix(store, fingerprint);
      const { metadataPath, rootfsPath } = imageFiles(deps.config, row);
      const size = async (path: string) => (await lstat(path)).size;
      if (rootfsPath === null)
        return [
          {
            filename: row.filename,
            path: metadataPath,
            sizeBytes: await size(metadataPath),
            part: 'metadata' as const,
          },
        ];
      return [
        {
          filename: `meta-${row.filename}`,
          path: metadataPath,
          sizeBytes: await size(metadataPath),
          part: 'metadata' as const,
        },
        {
          filename: `${row.fingerprint}.rootfs`,
          path: rootfsPath,
          sizeBytes: await size(rootfsPath),
          part: 'rootfs' as const,
        },
      ];
    },
  };
}
