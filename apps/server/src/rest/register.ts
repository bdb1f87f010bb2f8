import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError } from '@stapes/contract/errors';
import { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { Log } from '../log.ts';
import { authorise } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { isJson, jsonLimits, parseJson, readBody } from './body.ts';
import { contextOf, identityOf, ifMatchOf, queryOf } from './call.ts';
import { render, renderError } from './render.ts';
import type { Call, Route } from './route.ts';
import { routes as allRoutes } from './routes.ts';

export interface RestDeps {
  services: Services;
  log: Log;
  /** True where nothing else answers on `/` (the unix socket). */
  root?: boolean;
  /** Other than all of them: tests. */
  routes?: readonly Route[];
}

/** Registers `/1.0`. Who asks is read from `request.identity`. */
export function registerRest(app: FastifyInstance, deps: RestDeps): void {
  const chosen = deps.routes ?? allRoutes;
  void app.register(async (scope) => {
    // Bodies come untouched; a route says whether it takes JSON or a stream.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, next) => next(null, payload));
    scope.setErrorHandler((error, _request, reply) => renderError(reply, error));
    for (const route of chosen) {
      if (route.path === '/' && !deps.root) continue;
      registerRoute(scope, route, deps.services);
    }
    const missing = (request: FastifyRequest) => {
      authorise(
        contextOf({ identity: identityOf(request), query: new URLSearchParams(), requestId: request.id, address: '' }),
        'admin',
      );
      throw new DomainError('not-found', 'Not found');
    };
    for (const url of ['/1.0/*', '/internal/*']) {
      scope.all(url, missing);
    }
  });
}

function registerRoute(scope: FastifyInstance, route: Route, services: Services): void {
  // At run time too, for a table that the type checker has not seen.
  if (route.permission !== 'public' && route.permission !== 'admin') {
    throw new DomainError('internal', `${route.method} ${route.path} states no permission`);
  }
  scope.route({
    method: route.method,
    url: route.path,
    exposeHeadRoute: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    handler: async (request, reply) => {
      try {
        return await render(reply, await route.handler(await callOf(request, route, services)));
      } catch (error) {
        if (!request.raw.readableEnded) dropBody(request, reply.raw.socket);
        throw error;
      }
    },
  });
}

/** Somebody who is still sending while we refuse: the answer goes out, then the connection ends instead of swallowing the rest. */
function dropBody(request: FastifyRequest, socket: Duplex | null): void {
  // An injected request of a test has no connection that could end.
  if (request.raw.complete || !(socket instanceof Socket)) return;
  request.raw.resume();
  request.raw.once('error', () => undefined);
  setTimeout(() => {
    if (!request.raw.complete) socket.destroySoon();
  }, 2_000).unref();
}

async function callOf(request: FastifyRequest, route: Route, services: Services): Promise<Call> {
  const identity = identityOf(request);
  const query = queryOf(request.raw.url);
  const changes = route.method !== 'GET' && route.method !== 'HEAD';
  const context = contextOf({ identity, query, requestId: request.id, address: request.ip });
  authorise(context, route.permission);
  const call: Call = {
    services,
    context,
    query,
    path: route.path,
    params: request.params as Record<string, string>,
    headers: request.headers,
    ifMatch: ifMatchOf(request.headers),
    body: undefined,
    stream: (request.body as Readable | undefined) ?? request.raw,
  };
  if (changes && route.body !== 'stream') call.body = await jsonBody(call);
  return call;
}

async function jsonBody(call: Call): Promise<unknown> {
  const bytes = await readBody(call.stream, jsonLimits.bytes);
  // No browser speaks over the unix socket, and people there use curl without a content type.
  if (bytes.length > 0 && call.context.identity.protocol !== 'unix' && !isJson(call.headers['content-type'])) {
    throw new DomainError('invalid', 'Send the request body as application/json');
  }
  return parseJson(bytes);
}
