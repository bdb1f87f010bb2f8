import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { randomUUID } from 'node:crypto';
import { DomainError, isDomainError } from '@stapes/contract/errors';
import type { Authenticator } from '../auth/authenticate.ts';
import type { Sessions } from '../auth/sessions.ts';
import type { Log } from '../log.ts';
import { httpStatusOf } from '../rest/errors.ts';
import type { Context } from '../services/context.ts';
import { pathOf } from './create-app.ts';
import type { AnyServer } from './listeners.ts';
import type { RequestGuard } from './request-guard.ts';

export interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  context: Context;
}

/** Takes a connection over, or throws a DomainError before it has written anything. */
export type UpgradeDoor = (upgrade: Upgrade) => void | Promise<void>;

export interface UpgradeDeps {
  log: Log;
  authenticator: Authenticator;
  sessions: Sessions;
  guard: RequestGuard | null;
  /** First prefix that matches wins. */
  doors: readonly { prefix: string; open: UpgradeDoor }[];
}

/** The one way to a websocket: host, origin and identity are checked here, in the upgrade itself, whatever the door. */
export function handleUpgrades(server: AnyServer, deps: UpgradeDeps): { closeAll(): void } {
  const sockets = new Set<Socket>();
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // a connection that breaks is an end like any other
    open({ request, socket, head }, deps).catch((error: unknown) => refuse(socket, request, error, deps.log));
  });
  return {
    closeAll() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function open(raw: { request: IncomingMessage; socket: Socket; head: Buffer }, deps: UpgradeDeps): Promise<void> {
  const { request, socket } = raw;
  deps.guard?.checkHost(request.headers);
  deps.guard?.checkUpgrade(request.headers);
  const path = pathOf(request);
  const door = deps.doors.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`));
  if (!door) throw new DomainError('not-found', 'Nothing speaks websocket here');
  const { identity, expiresAtMs } = await deps.authenticator.authenticate(request, false);
  if (socket.destroyed) return;
  if (identity.sessionId !== undefined && expiresAtMs !== null) {
    socket.on(
      'close',
      deps.sessions.onEnd(identity.sessionId, expiresAtMs, () => socket.destroy()),
    );
  }
  const address = identity.protocol === 'unix' ? '@' : (socket.remoteAddress ?? '');
  const project = new URLSearchParams((request.url ?? '').split('?')[1]).get('project') ?? 'default';
  await door.open({ ...raw, context: { identity, project, requestId: randomUUID(), address } });
}

function refuse(socket: Duplex, request: IncomingMessage, error: unknown, log: Log): void {
  const known = isDomainError(error) ? error : null;
  if (!known) log.error({ err: error, path: pathOf(request) }, 'an upgrade failed');
  if (!socket.writable) return void socket.destroy();
  const status = known ? httpStatusOf[known.code] : 500;
  const message = known ? known.message : 'The server failed; its log says why';
  const body = JSON.stringify({ type: 'error', error: message, error_code: status, metadata: null });
  const head = `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  socket.end(head + body);
}
