import { DomainError } from '@stapes/contract/errors';
import { parseJson, jsonLimits, readBody, isJson } from './body.ts';
import { exportAnswer } from './image-export.ts';
import { receiveUpload, uploadOptionsOf } from './image-upload.ts';
import { listAnswer, urlOf } from './list.ts';
import { fieldOf } from './rename.ts';
import { done, param, started, tagged, type Answer, type Call, type Route } from './route.ts';

async function upload(call: Call): Promise<Answer> {
  const { images } = call.services;
  const target = await images.openUpload(call.context);
  try {
    const files = await receiveUpload(call.stream, call.headers, target);
    return started(
      await images.importUpload(call.context, { directory: target.directory, ...files }, uploadOptionsOf(call.headers)),
    );
  } catch (error) {
    await target.dispose();
    throw error;
  }
}

/** JSON asks the server to get an image itself. */
async function fetchImage(call: Call): Promise<Answer> {
  const body = parseJson(await readBody(call.stream, jsonLimits.bytes));
  const source = fieldOf(body, 'source');
  const type = fieldOf(source, 'type');
  if (type === 'recipe') {
    const recipe = fieldOf(source, 'recipe');
    if (typeof recipe !== 'string')
      throw new DomainError('invalid', 'Give the recipe as "source.recipe"', { details: { field: 'source.recipe' } });
    return started(await call.services.images.build(call.context, recipe));
  }
  const reasons: Record<string, string> = {
    image:
      'Images of other servers are not supported by this server yet: export the image there and import the file here',
    url: 'Images from an address are not supported by this server yet: download the file and import it',
    instance: 'Publishing an instance as an image is not supported by this server yet',
    snapshot: 'Publishing a snapshot as an image is not supported by this server yet',
  };
  const reason = typeof type === 'string' && Object.hasOwn(reasons, type) ? reasons[type] : undefined;
  if (reason !== undefined) throw new DomainError('unsupported', reason, { details: { field: 'source.type' } });
  throw new DomainError('invalid', 'The type of the image source is not known', { details: { field: 'source.type' } });
}

const isJsonImport = (call: Call) => call.headers['content-type'] !== undefined && isJson(call.headers['content-type']);
const refuse = (message: string) => (): never => {
  throw new DomainError('unsupported', message);
};

export const imageRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/images',
    permission: 'admin',
    handler: async (call) =>
      listAnswer(call, await call.services.images.list(call.context), (image) => urlOf('images', image.fingerprint)),
  },
  {
    method: 'POST',
    path: '/1.0/images',
    permission: 'admin',
    body: 'stream',
    handler: (call) => (isJsonImport(call) ? fetchImage(call) : upload(call)),
  },
  {
    method: 'GET',
    path: '/1.0/images/:fingerprint',
    permission: 'admin',
    handler: async (call) => tagged(await call.services.images.get(call.context, param(call, 'fingerprint'))),
  },
  {
    method: 'PUT',
    path: '/1.0/images/:fingerprint',
    permission: 'admin',
    handler: async (call) => {
      await call.services.images.put(call.context, param(call, 'fingerprint'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'PATCH',
    path: '/1.0/images/:fingerprint',
    permission: 'admin',
    handler: async (call) => {
      await call.services.images.patch(call.context, param(call, 'fingerprint'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'DELETE',
    path: '/1.0/images/:fingerprint',
    permission: 'admin',
    handler: async (call) => started(await call.services.images.remove(call.context, param(call, 'fingerprint'))),
  },
  {
    method: 'GET',
    path: '/1.0/images/:fingerprint/export',
    permission: 'admin',
    handler: async (call) =>
      exportAnswer(await call.services.images.exportFiles(call.context, param(call, 'fingerprint'))),
  },
  {
    method: 'POST',
    path: '/1.0/images/:fingerprint/export',
    permission: 'admin',
    handler: refuse('Pushing an image to another server is not supported by this server yet'),
  },
  {
    method: 'POST',
    path: '/1.0/images/:fingerprint/refresh',
    permission: 'admin',
    handler: refuse('This image has no source that it could be refreshed from'),
  },
  {
    method: 'POST',
    path: '/1.0/images/:fingerprint/secret',
    permission: 'admin',
    handler: refuse('Download secrets for images are not supported by this server yet'),
  },
];
