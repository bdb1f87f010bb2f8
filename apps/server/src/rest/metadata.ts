import { documentKeys } from '@stapes/contract/config-keys/registry';
import { sync, type Route } from './route.ts';

export const metadataRoutes: Route[] = [
  { method: 'GET', path: '/1.0/metadata/configuration', permission: 'admin', handler: () => sync(documentKeys()) },
];
