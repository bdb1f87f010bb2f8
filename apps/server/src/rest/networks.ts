import { DomainError } from '@stapes/contract/errors';
import { listAnswer, urlOf } from './list.ts';
import { created, done, param, sync, tagged, type Route } from './route.ts';

export const networkRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/networks',
    permission: 'admin',
    handler: async (call) =>
      listAnswer(call, await call.services.networks.list(call.context), (network) => urlOf('networks', network.name)),
  },
  {
    method: 'POST',
    path: '/1.0/networks',
    permission: 'admin',
    handler: async (call) =>
      created(urlOf('networks', (await call.services.networks.create(call.context, call.body)).name)),
  },
  {
    method: 'GET',
    path: '/1.0/networks/:name',
    permission: 'admin',
    handler: async (call) => tagged(await call.services.networks.get(call.context, param(call, 'name'))),
  },
  {
    method: 'PUT',
    path: '/1.0/networks/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.networks.put(call.context, param(call, 'name'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'PATCH',
    path: '/1.0/networks/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.networks.patch(call.context, param(call, 'name'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'POST',
    path: '/1.0/networks/:name',
    permission: 'admin',
    handler: () => {
      throw new DomainError('unsupported', 'A network cannot be renamed here: create another and move the devices');
    },
  },
  {
    method: 'DELETE',
    path: '/1.0/networks/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.networks.remove(call.context, param(call, 'name'));
      return done();
    },
  },
  {
    method: 'GET',
    path: '/1.0/networks/:name/leases',
    permission: 'admin',
    handler: async (call) => sync(await call.services.networks.leases(call.context, param(call, 'name'))),
  },
  {
    method: 'GET',
    path: '/1.0/networks/:name/state',
    permission: 'admin',
    handler: async (call) => sync(await call.services.networks.state(call.context, param(call, 'name'))),
  },
];
