import type { StorageVolume } from '@stapes/contract/storage';
import { DomainError } from '@stapes/contract/errors';
import { listAnswer, urlOf } from './list.ts';
import { created, done, param, sync, tagged, type Call, type Route } from './route.ts';

const volumeUrl = (volume: StorageVolume) => urlOf('storage-pools', volume.pool, 'volumes', volume.type, volume.name);
const volumesOf = (call: Call) => call.services.storage.volumes(call.context, param(call, 'name'));
const refuseVolumeChange = (): never => {
  throw new DomainError('unsupported', 'Custom volumes are not supported by this server yet');
};

const volumeRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/storage-pools/:name/volumes',
    permission: 'admin',
    handler: async (call) => listAnswer(call, await volumesOf(call), volumeUrl),
  },
  {
    method: 'GET',
    path: '/1.0/storage-pools/:name/volumes/:type',
    permission: 'admin',
    handler: async (call) => {
      const volumes = await volumesOf(call);
      return listAnswer(
        call,
        volumes.filter((volume) => volume.type === param(call, 'type')),
        volumeUrl,
      );
    },
  },
  {
    method: 'GET',
    path: '/1.0/storage-pools/:name/volumes/:type/:volume',
    permission: 'admin',
    handler: async (call) => {
      const volumes = await volumesOf(call);
      const found = volumes.find(
        (volume) => volume.type === param(call, 'type') && volume.name === param(call, 'volume'),
      );
      if (!found) throw new DomainError('not-found', 'Storage volume not found');
      return sync(found);
    },
  },
  { method: 'POST', path: '/1.0/storage-pools/:name/volumes', permission: 'admin', handler: refuseVolumeChange },
  { method: 'POST', path: '/1.0/storage-pools/:name/volumes/:type', permission: 'admin', handler: refuseVolumeChange },
];

export const storagePoolRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/storage-pools',
    permission: 'admin',
    handler: async (call) =>
      listAnswer(call, await call.services.storage.list(call.context), (pool) => urlOf('storage-pools', pool.name)),
  },
  {
    method: 'POST',
    path: '/1.0/storage-pools',
    permission: 'admin',
    handler: async (call) =>
      created(urlOf('storage-pools', (await call.services.storage.create(call.context, call.body)).name)),
  },
  {
    method: 'GET',
    path: '/1.0/storage-pools/:name',
    permission: 'admin',
    handler: async (call) => tagged(await call.services.storage.get(call.context, param(call, 'name'))),
  },
  {
    method: 'PUT',
    path: '/1.0/storage-pools/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.storage.put(call.context, param(call, 'name'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'PATCH',
    path: '/1.0/storage-pools/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.storage.patch(call.context, param(call, 'name'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'DELETE',
    path: '/1.0/storage-pools/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.storage.remove(call.context, param(call, 'name'));
      return done();
    },
  },
  {
    method: 'GET',
    path: '/1.0/storage-pools/:name/resources',
    permission: 'admin',
    handler: async (call) => sync(await call.services.storage.resources(call.context, param(call, 'name'))),
  },
  ...volumeRoutes,
];
