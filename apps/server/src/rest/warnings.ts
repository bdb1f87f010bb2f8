import { DomainError } from '@stapes/contract/errors';
import { sync, type Route } from './route.ts';

export const warningRoutes: Route[] = [
  { method: 'GET', path: '/1.0/warnings', permission: 'admin', handler: () => sync([]) },
  {
    method: 'GET',
    path: '/1.0/warnings/:uuid',
    permission: 'admin',
    handler: () => {
      throw new DomainError('not-found', 'Warning not found');
    },
  },
];
