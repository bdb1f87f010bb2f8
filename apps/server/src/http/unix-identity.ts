import type { Server, Socket } from 'node:net';
import type { PeerCredentials } from '@stapes/runtime/host/peer-credentials';
import { nobody } from '../auth/authenticate.ts';
import type { Identity } from '../services/context.ts';
import type { Log } from '../log.ts';

export interface UnixIdentities {
  /** Learns who connects to this server. */
  watch(server: Server): void;
  /** Null for a connection of any other server. */
  of(socket: Socket): Identity | null;
}

/** Root, and whoever is in the group. */
export function identifyPeer(peer: PeerCredentials, groupId: number | null): Identity {
  if (peer.uid === 0) return { username: 'root (unix)', protocol: 'unix' };
  const isMember = groupId !== null && (peer.gid === groupId || peer.groups.includes(groupId));
  return isMember ? { username: `uid ${peer.uid} (unix)`, protocol: 'unix' } : nobody;
}

export function createUnixIdentities(deps: {
  read: (fd: number) => PeerCredentials;
  groupId: number | null;
  log: Log;
}): UnixIdentities {
  const identities = new WeakMap<Socket, Identity>();
  return {
    watch(server) {
      server.on('connection', (socket: Socket) => {
        try {
          identities.set(socket, identifyPeer(deps.read(descriptorOf(socket)), deps.groupId));
        } catch (error) {
          deps.log.warn({ err: error }, 'cannot tell who connected to the unix socket');
          identities.set(socket, nobody);
          socket.destroy();
        }
      });
    },
    of: (socket) => identities.get(socket) ?? null,
  };
}

/** Node shows the descriptor of a socket on its handle only. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = (socket as Socket & { _handle?: unknown })._handle;
  const fd = typeof handle === 'object' && handle !== null && 'fd' in handle ? handle.fd : -1;
  if (typeof fd !== 'number' || fd < 0) throw new Error('the connection has no descriptor');
  return fd;
}
