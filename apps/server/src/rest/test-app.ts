import Fastify, { type FastifyInstance } from 'fastify';
import type { Operation } from '@stapes/contract/operation';
import { createLog } from '../log.ts';
import type { Identity } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { registerRest } from './register.ts';
import type { Route } from './route.ts';

/** Parts of services, for tests of this door: what a test does not give fails when it is called. */
export type PartialServices = { [K in keyof Services]?: Partial<Services[K]> };

export const administrator: Identity = { username: 'root (unix)', protocol: 'unix' };
export const browser: Identity = { username: 'admin', protocol: 'session', sessionId: 's1', userId: 'u1' };
export const stranger: Identity = { username: '', protocol: 'none' };

export async function testApp(
  services: PartialServices,
  options: { identity?: Identity; routes?: readonly Route[] } = {},
): Promise<FastifyInstance> {
  const app = Fastify({ logger: false });
  app.decorateRequest('identity');
  app.addHook('onRequest', async (request) => {
    (request as { identity?: Identity }).identity = options.identity ?? administrator;
  });
  registerRest(app, {
    services: services as Services,
    log: createLog('silent'),
    root: true,
    ...(options.routes ? { routes: options.routes } : {}),
  });
  await app.ready();
  return app;
}

export function testOperation(values: Partial<Operation> = {}): Operation {
  return {
    id: '6a0c1b2e-0000-4000-8000-000000000001',
    class: 'task',
    description: 'Testing',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    status: 'Running',
    status_code: 103,
    resources: null,
    metadata: null,
    may_cancel: false,
    err: '',
    location: 'none',
    ...values,
  };
}
