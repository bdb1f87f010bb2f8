import { apiExtensions } from './api-extensions.ts';
import { done, sync, type Call, type Route } from './route.ts';

const putConfig = (merge: boolean) => async (call: Call) => {
  await call.services.server.putConfig(call.context, call.body ?? {}, merge, call.ifMatch);
  return done();
};

export const serverRoutes: Route[] = [
  { method: 'GET', path: '/', permission: 'public', handler: () => sync(['/1.0']) },
  {
    method: 'GET',
    path: '/1.0',
    permission: 'public',
    handler: async (call) => {
      const info = await call.services.server.info(call.context);
      // What this door can do is the door's knowledge; strangers learn nothing of it.
      const trusted = call.context.identity.protocol !== 'none';
      return { kind: 'sync', value: { ...info.value, api_extensions: trusted ? apiExtensions : [] }, etag: info.etag };
    },
  },
  { method: 'PUT', path: '/1.0', permission: 'admin', handler: putConfig(false) },
  { method: 'PATCH', path: '/1.0', permission: 'admin', handler: putConfig(true) },
  {
    method: 'GET',
    path: '/1.0/resources',
    permission: 'admin',
    handler: async (call) => sync(await call.services.server.resources(call.context)),
  },
];
