import { DomainError } from '@stapes/contract/errors';
import { rawHeaders } from './headers.ts';
import { fieldOf } from './rename.ts';
import { done, param, started, type Route } from './route.ts';

export const consoleRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/instances/:name/console',
    permission: 'admin',
    handler: async (call) => {
      if ((call.query.get('type') ?? 'log') !== 'log')
        throw new DomainError('unsupported', 'Containers have no screen to take a picture of');
      return {
        kind: 'raw',
        headers: rawHeaders(),
        body: await call.services.instances.consoleLog(call.context, param(call, 'name')),
      };
    },
  },
  {
    method: 'POST',
    path: '/1.0/instances/:name/console',
    permission: 'admin',
    handler: async (call) => {
      const type = fieldOf(call.body, 'type') ?? '';
      if (type !== '' && type !== 'console')
        throw new DomainError('unsupported', 'Containers have a text console only', { details: { field: 'type' } });
      return started(await call.services.instances.console(call.context, param(call, 'name'), call.body ?? {}));
    },
  },
  {
    method: 'DELETE',
    path: '/1.0/instances/:name/console',
    permission: 'admin',
    handler: async (call) => {
      await call.services.instances.clearConsoleLog(call.context, param(call, 'name'));
      return done();
    },
  },
];
