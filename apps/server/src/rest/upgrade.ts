import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { DomainError } from '@stapes/contract/errors';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Log } from '../log.ts';
import { authorise, type Context, type Identity, type Permission } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { contextOf, queryOf, remoteAddress } from './call.ts';
import { errorEnvelope } from './envelope.ts';
import { httpStatusOf, toDomainError } from './errors.ts';
import { streamEvents, eventOptionsOf } from './event-stream.ts';

/** Frames of exec and console; clients send some 128 KiB at a time. */
const maxPayloadBytes = 16 * 1024 * 1024;

interface UpgradeCall {
  services: Services;
  context: Context;
  query: URLSearchParams;
  match: RegExpExecArray;
}
/** An address that becomes a WebSocket. `prepare` refuses before the upgrade, so that a client sees a status; what it returns takes the socket. */
export interface UpgradeRoute {
  pattern: RegExp;
  permission: Permission;
  prepare(call: UpgradeCall): (socket: WebSocket) => void;
}

export const upgradeRoutes: readonly UpgradeRoute[] = [
  {
    pattern: /^\/1\.0\/events$/,
    permission: 'admin',
    prepare: ({ services, context, query }) => {
      const options = eventOptionsOf(query, context.project);
      return (socket) => streamEvents(services.events, context, options, socket);
    },
  },
  {
    pattern: /^\/1\.0\/operations\/([0-9a-zA-Z-]{1,64})\/websocket$/,
    permission: 'admin',
    prepare: ({ services, context, query, match }) => {
      const id = match[1] ?? '';
      const secret = query.get('secret') ?? '';
      if (secret === '')
        throw new DomainError('invalid', 'Give the secret of the stream', { details: { field: 'secret' } });
      // Compared again when the socket is taken, which uses it up.
      services.operations.checkSecret(context, id, secret);
      return (socket) => services.operations.connect(context, id, secret, socket);
    },
  },
];

export interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  identity: Identity;
  requestId: string;
}

/** Takes an HTTP upgrade (host, origin and identity have been checked by then) when its address is one of `/1.0`; false when it is somebody else's. Never throws. */
export function handleRestUpgrade(deps: { services: Services; log: Log }, upgrade: Upgrade): boolean {
  const path = (upgrade.request.url ?? '').split('?')[0] ?? '';
  if (!path.startsWith('/1.0/')) return false;
  upgrade.socket.on('error', () => upgrade.socket.destroy());
  let take: (socket: WebSocket) => void;
  try {
    take = prepare(deps.services, upgrade, path);
  } catch (error) {
    const domainError = toDomainError(error);
    if (domainError.code === 'internal') deps.log.error({ err: error, path }, 'upgrade failed');
    refuse(upgrade.socket, domainError);
    return true;
  }
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxPayloadBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  sockets.on('wsClientError', (_error, socket) =>
    refuse(socket, new DomainError('invalid', 'The WebSocket handshake is not right')),
  );
  sockets.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
    socket.on('error', (error) => deps.log.debug({ err: error, path }, 'websocket failed'));
    try {
      take(socket);
    } catch (error) {
      const domainError = toDomainError(error);
      if (domainError.code === 'internal') deps.log.error({ err: error, path }, 'websocket failed');
      // At most 123 bytes fit into a close frame.
      socket.close(1008, Buffer.from(domainError.message).subarray(0, 120));
    }
  });
  return true;
}

function prepare(services: Services, upgrade: Upgrade, path: string): (socket: WebSocket) => void {
  const query = queryOf(upgrade.request.url);
  const context = contextOf({
    identity: upgrade.identity,
    query,
    requestId: upgrade.requestId,
    address: remoteAddress(upgrade.request),
  });
  for (const route of upgradeRoutes) {
    const match = route.pattern.exec(path);
    if (!match) continue;
    authorise(context, route.permission);
    return route.prepare({ services, context, query, match });
  }
  authorise(context, 'admin');
  throw new DomainError('not-found', 'Not found');
}

function refuse(socket: Duplex, error: DomainError): void {
  const status = httpStatusOf[error.code];
  const body = JSON.stringify(errorEnvelope(error));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
