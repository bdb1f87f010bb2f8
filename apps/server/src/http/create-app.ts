import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { DomainError } from '@stapes/contract/errors';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply } from 'fastify';
import { nobody, type Authenticator } from '../auth/authenticate.ts';
import { sessionCookie } from '../auth/cookie.ts';
import type { Log } from '../log.ts';
import { errorEnvelope } from '../rest/envelope.ts';
import { toDomainError } from '../rest/errors.ts';
import type { Identity } from '../services/context.ts';
import type { RequestGuard } from './request-guard.ts';
import { securityHeaders, strictPolicy } from './security-headers.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; `none` for a stranger. Set before any handler. */
    identity: Identity;
  }
}

export interface AppDeps {
  log: Log;
  authenticator: Authenticator;
  /** Null on the unix socket. */
  guard: RequestGuard | null;
  isSecure: boolean;
  /** For the body of somebody who has not signed in; whoever has may take as long as an upload takes. */
  strangerBodyMs?: number;
}

export interface HttpApp {
  app: FastifyInstance;
  /** To be served by a listener of one's own, after `app.ready()`. */
  handler: RequestListener;
}

/** Reads change nothing, and a browser says with each whether its page is of another site. */
const isApi = (url: string) => /^\/(trpc|1\.0|internal|ws)(\/|\?|$)/.test(url);

export function createApp({ log, authenticator, guard, isSecure, strangerBodyMs = 30_000 }: AppDeps): HttpApp {
  let handler: RequestListener = () => undefined;
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    bodyLimit: 8 * 1024 * 1024,
    // A batch of tRPC calls is one path part.
    routerOptions: { maxParamLength: 8192, ignoreTrailingSlash: false },
    // A broken path never reaches a hook or a handler.
    frameworkErrors: (_error, _request, reply: FastifyReply) =>
      void reply
        .headers(securityHeaders)
        .code(400)
        .send(errorEnvelope(new DomainError('invalid', 'This is no address'))),
    serverFactory: (handle) => {
      handler = handle as RequestListener;
      return createServer(handle as RequestListener);
    },
  });
  app.removeContentTypeParser('text/plain'); // JSON only: a form of another site cannot send that
  app.decorateRequest('identity');
  app.addHook('onRequest', async (request, reply) => {
    request.identity = nobody;
    void reply.headers({ ...securityHeaders, 'content-security-policy': strictPolicy, 'x-request-id': request.id });
    const { headers, method } = request;
    guard?.checkHost(headers);
    if (guard && (isApi(request.url) || (method !== 'GET' && method !== 'HEAD'))) guard.checkSite(headers);
    if (!isApi(request.url)) return endLateBody(request.raw, strangerBodyMs); // the shell is for everybody
    void reply.header('cache-control', 'no-store');
    const { identity, renewed } = await authenticator.authenticate(request.raw, true);
    request.identity = identity;
    if (identity.protocol === 'none') endLateBody(request.raw, strangerBodyMs);
    if (renewed) void reply.header('set-cookie', sessionCookie(renewed, isSecure, Date.now()));
  });
  app.addHook('onResponse', async (request, reply) => {
    // Without its query: secrets of websocket operations and inputs are there.
    const path = pathOf(request.raw);
    const durationMs = Math.round(reply.elapsedTime);
    request.log.debug({ method: request.method, path, status: reply.statusCode, durationMs }, 'answered');
  });
  app.setNotFoundHandler(() => {
    throw new DomainError('not-found', 'Not found');
  });
  app.setErrorHandler((error: unknown, request, reply) => {
    const told = toDomainError(error);
    const envelope = errorEnvelope(told);
    if (envelope.error_code >= 500) request.log.error({ err: error, path: pathOf(request.raw) }, 'request failed');
    return reply.code(envelope.error_code).send(envelope);
  });
  return { app, handler: (request, response) => handler(request, response) };
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0]?.slice(0, 300) ?? '';
}

/** Nobody keeps a connection for nothing by a body that never ends. */
function endLateBody(request: IncomingMessage, afterMs: number): void {
  if (request.complete || request.method === 'GET' || request.method === 'HEAD') return;
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy();
  }, afterMs);
  timer.unref();
  request.once('close', () => {
    if (request.complete) clearTimeout(timer);
  });
}
