import { DomainError } from '@stapes/contract/errors';
import { sync, type Route } from './route.ts';

/** The trust store of client certificates is empty: programs come through the unix socket. */
export const certificateRoutes: Route[] = [
  { method: 'GET', path: '/1.0/certificates', permission: 'admin', handler: () => sync([]) },
  {
    method: 'GET',
    path: '/1.0/certificates/:fingerprint',
    permission: 'admin',
    handler: () => {
      throw new DomainError('not-found', 'Certificate not found');
    },
  },
  {
    method: 'POST',
    path: '/1.0/certificates',
    permission: 'admin',
    handler: () => {
      throw new DomainError(
        'unsupported',
        'Client certificates are not supported by this server yet: use the unix socket',
      );
    },
  },
];
