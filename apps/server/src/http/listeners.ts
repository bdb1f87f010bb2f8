import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { DomainError, messageOf } from '@stapes/contract/errors';
import type { Certificate } from './certificate.ts';

export type AnyServer = Server | SecureServer;

/** Uploads take as long as they take; headers have to come at once. */
const timeouts = { requestTimeout: 0, headersTimeout: 30_000, keepAliveTimeout: 65_000 };

export async function listenTcp(
  handler: RequestListener,
  listen: { host: string; port: number },
  certificate: Certificate | null,
): Promise<AnyServer> {
  const server = certificate
    ? createSecureServer({ ...certificate, minVersion: 'TLSv1.2', ...timeouts }, handler)
    : createServer(timeouts, handler);
  await started(
    server,
    () => server.listen({ host: listen.host, port: listen.port, ipv6Only: false }),
    (error) => {
      const address = `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`;
      if (error.code === 'EADDRINUSE') {
        return new DomainError(
          'in-use',
          `${address} is taken by another program: stop it, or choose another address with STAPES_LISTEN`,
          { cause: error },
        );
      }
      return new DomainError('unavailable', `Cannot listen on ${address}: ${error.message}`, { cause: error });
    },
  );
  return server;
}

/** For root and one group. A socket that nobody serves any more is replaced; one that answers is another server's. */
export async function listenUnix(handler: RequestListener, path: string, groupId: number | null): Promise<Server> {
  await removeStale(path);
  const server = createServer(timeouts, handler);
  const bind = () => {
    const before = process.umask(0o177); // so that the socket is never open to others, not even for a moment
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  };
  await started(
    server,
    bind,
    (error) => new DomainError('unavailable', `Cannot listen on ${path}: ${error.message}`, { cause: error }),
  );
  if (groupId !== null) chownSync(path, 0, groupId);
  chmodSync(path, 0o660);
  return server;
}

async function removeStale(path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket()) throw new DomainError('invalid', `${path} is no socket: move it away`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const isAlive = await new Promise<boolean>((resolve) => {
    const socket: Socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
  if (isAlive)
    throw new DomainError('in-use', `Another server answers on ${path}: stop it, or choose another STAPES_DIR`);
  unlinkSync(path);
}

async function started(
  server: AnyServer,
  listen: () => void,
  explain: (error: NodeJS.ErrnoException) => DomainError,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error)));
    server.once('listening', () => resolve());
    try {
      listen();
    } catch (error) {
      reject(new DomainError('unavailable', messageOf(error), { cause: error }));
    }
  });
  server.removeAllListeners('error');
  server.on('error', () => undefined); // an accept that fails (no descriptors left) ends nothing
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
}
