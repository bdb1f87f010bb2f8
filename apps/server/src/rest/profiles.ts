import { listAnswer, urlOf } from './list.ts';
import { newNameOf } from './rename.ts';
import { created, done, param, tagged, type Route } from './route.ts';

export const profileRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/profiles',
    permission: 'admin',
    handler: async (call) =>
      listAnswer(call, await call.services.profiles.list(call.context), (profile) => urlOf('profiles', profile.name)),
  },
  {
    method: 'POST',
    path: '/1.0/profiles',
    permission: 'admin',
    handler: async (call) =>
      created(urlOf('profiles', (await call.services.profiles.create(call.context, call.body)).name)),
  },
  {
    method: 'GET',
    path: '/1.0/profiles/:name',
    permission: 'admin',
    handler: async (call) => tagged(await call.services.profiles.get(call.context, param(call, 'name'))),
  },
  {
    method: 'PUT',
    path: '/1.0/profiles/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.profiles.put(call.context, param(call, 'name'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'PATCH',
    path: '/1.0/profiles/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.profiles.patch(call.context, param(call, 'name'), call.body, call.ifMatch);
      return done();
    },
  },
  {
    method: 'POST',
    path: '/1.0/profiles/:name',
    permission: 'admin',
    handler: async (call) => {
      const name = newNameOf(call.body);
      await call.services.profiles.rename(call.context, param(call, 'name'), name);
      return created(urlOf('profiles', name));
    },
  },
  {
    method: 'DELETE',
    path: '/1.0/profiles/:name',
    permission: 'admin',
    handler: async (call) => {
      await call.services.profiles.remove(call.context, param(call, 'name'));
      return done();
    },
  },
];
