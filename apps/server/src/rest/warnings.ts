import { DomainError } from '@stapes/contract/errors';
import { listAnswer, urlOf } from './list.ts';
import { param, sync, type Route } from './route.ts';

export const warningRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/warnings',
    permission: 'admin',
    handler: async (call) =>
      listAnswer(call, await call.services.server.warnings(call.context), ({ uuid }) => urlOf('warnings', uuid)),
  },
  {
    method: 'GET',
    path: '/1.0/warnings/:uuid',
    permission: 'admin',
    handler: async (call) => {
      const found = await call.services.server.warnings(call.context);
      const warning = found.find(({ uuid }) => uuid === param(call, 'uuid'));
      if (!warning) throw new DomainError('not-found', 'Warning not found');
      return sync(warning);
    },
  },
];
