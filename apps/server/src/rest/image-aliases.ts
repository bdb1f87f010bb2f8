import { listAnswer, urlOf } from './list.ts';
import { fieldOf, newNameOf } from './rename.ts';
import { created, done, param, tagged, type Call, type Route } from './route.ts';

// A wildcard, because an alias may hold `/` (`debian/12`), encoded or not.
const path = '/1.0/images/aliases/*';
const nameOf = (call: Call) => param(call, '*');

async function patch(call: Call) {
  // Only what is given changes; the service knows a whole put.
  const { value } = await call.services.images.alias(call.context, nameOf(call));
  const request = {
    target: fieldOf(call.body, 'target') ?? value.target,
    description: fieldOf(call.body, 'description') ?? value.description,
  };
  await call.services.images.putAlias(call.context, nameOf(call), request, call.ifMatch);
  return done();
}

export const imageAliasRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/images/aliases',
    permission: 'admin',
    handler: async (call) =>
      listAnswer(call, await call.services.images.aliases(call.context), (alias) =>
        urlOf('images', 'aliases', alias.name),
      ),
  },
  {
    method: 'POST',
    path: '/1.0/images/aliases',
    permission: 'admin',
    handler: async (call) => {
      await call.services.images.createAlias(call.context, call.body);
      return created(urlOf('images', 'aliases', newNameOf(call.body)));
    },
  },
  {
    method: 'GET',
    path,
    permission: 'admin',
    handler: async (call) => tagged(await call.services.images.alias(call.context, nameOf(call))),
  },
  {
    method: 'PUT',
    path,
    permission: 'admin',
    handler: async (call) => {
      await call.services.images.putAlias(call.context, nameOf(call), call.body, call.ifMatch);
      return done();
    },
  },
  { method: 'PATCH', path, permission: 'admin', handler: patch },
  {
    method: 'POST',
    path,
    permission: 'admin',
    handler: async (call) => {
      const name = newNameOf(call.body);
      await call.services.images.renameAlias(call.context, nameOf(call), name);
      return created(urlOf('images', 'aliases', name));
    },
  },
  {
    method: 'DELETE',
    path,
    permission: 'admin',
    handler: async (call) => {
      await call.services.images.removeAlias(call.context, nameOf(call));
      return done();
    },
  },
];
