import { DomainError } from '@stapes/contract/errors';
import type { Route } from './route.ts';

const needsUpgrade = (): never => {
  throw new DomainError('invalid', 'This address speaks WebSocket only');
};

/** Addresses that are upgraded (`upgrade.ts`): asked for without an upgrade they say so. */
export const eventRoutes: Route[] = [
  { method: 'GET', path: '/1.0/events', permission: 'admin', handler: needsUpgrade },
  { method: 'GET', path: '/1.0/operations/:id/websocket', permission: 'admin', handler: needsUpgrade },
];
