import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { getWSConnectionHandler } from '@trpc/server/adapters/ws';
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { WebSocketServer } from 'ws';
import type { Auth, NewSession } from '../auth/auth.ts';
import type { Log } from '../log.ts';
import { authorise, type Context } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { keepAlive } from '../ws/keep-alive.ts';
import { appRouter, type AppRouter } from './router.ts';

interface Deps {
  services: Services;
  auth: Auth;
  log: Log;
  /** Writes the session cookie into an answer. */
  setCookie: (reply: FastifyReply, session: NewSession | null) => void;
}

type OnError = NonNullable<FastifyTRPCPluginOptions<AppRouter>['trpcOptions']['onError']>;

/** What a person did wrong is their answer; what we did wrong is for the log. Inputs are never logged: passphrases are among them. */
function logFailure(log: Log): OnError {
  return ({ error, path, type }) => {
    if (error.code === 'INTERNAL_SERVER_ERROR') log.error({ err: error.cause ?? error, path, type }, 'a call failed');
    else log.debug({ code: error.code, path, type }, 'a call was refused');
  };
}

/** `/trpc` over HTTP. */
export function registerTrpc(app: FastifyInstance, deps: Deps): void {
  const { services, auth, log, setCookie } = deps;
  const options: FastifyTRPCPluginOptions<AppRouter> = {
    trpcOptions: {
      router: appRouter,
      onError: logFailure(log),
      createContext: ({ req, res }) => ({
        context: { identity: req.identity, project: 'default', requestId: req.id, address: req.ip },
        visitor: { address: req.ip, userAgent: req.headers['user-agent'] ?? '' },
        services,
        auth,
        setSession: (session) => setCookie(res, session),
      }),
    },
  };
  void app.register(fastifyTRPCPlugin, { ...options, prefix: '/trpc' });
}

/** `/trpc` as a websocket, for subscriptions. */
export function createTrpcSocketDoor({ services, auth, log }: Omit<Deps, 'setCookie'>) {
  const server = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024, perMessageDeflate: false });
  return (upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer; context: Context }): void => {
    const { request, context } = upgrade;
    authorise(context, 'admin');
    const visitor = { address: context.address, userAgent: request.headers['user-agent'] ?? '' };
    const serve = getWSConnectionHandler<AppRouter>({
      wss: server,
      router: appRouter,
      onError: ({ error, path, type }) => logFailure(log)({ error, path, type } as Parameters<OnError>[0]),
      createContext: () => ({ context, visitor, services, auth }),
    });
    server.handleUpgrade(request, upgrade.socket, upgrade.head, (socket) => {
      keepAlive(socket);
      socket.on('error', () => undefined);
      serve(socket, request);
    });
  };
}
