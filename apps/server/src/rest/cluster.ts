import { DomainError } from '@stapes/contract/errors';
import { sync, type Route } from './route.ts';

const notClustered = (): never => {
  throw new DomainError('unsupported', 'This server is not clustered');
};

export const clusterRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/cluster',
    permission: 'admin',
    handler: () => sync({ server_name: '', enabled: false, member_config: [] }),
  },
  { method: 'PUT', path: '/1.0/cluster', permission: 'admin', handler: notClustered },
  { method: 'GET', path: '/1.0/cluster/members', permission: 'admin', handler: notClustered },
  { method: 'GET', path: '/1.0/cluster/members/:name', permission: 'admin', handler: notClustered },
  { method: 'GET', path: '/1.0/cluster/groups', permission: 'admin', handler: notClustered },
];
