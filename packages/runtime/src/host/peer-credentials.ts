import { DomainError } from '@stapes/contract/errors';
import koffi from 'koffi';
import { run } from './run.ts';

export interface PeerCredentials {
  pid: number;
  uid: number;
  gid: number;
  /** Supplementary groups. */
  groups: number[];
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;

/** Reads who is at the other end of a connected unix socket, as the kernel recorded it at `connect`. */
export function createPeerCredentialsReader(): (fd: number) => PeerCredentials {
  const libc = koffi.load('libc.so.6');
  const getsockopt = libc.func(
    'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *size)',
  );
  function read(fd: number, name: number, mostBytes: number): Buffer {
    const value = Buffer.alloc(mostBytes);
    const size = [mostBytes];
    if (getsockopt(fd, SOL_SOCKET, name, value, size) !== 0) {
      throw new DomainError('internal', `Cannot read the peer of a unix socket (getsockopt ${name} failed)`);
    }
    return value.subarray(0, size[0]);
  }
  return (fd) => {
    const ucred = read(fd, SO_PEERCRED, 12);
    // At most NGROUPS_MAX (65,536) groups of four bytes.
    const list = read(fd, SO_PEERGROUPS, 65_536 * 4);
    const groups = Array.from({ length: list.length / 4 }, (_, index) => list.readUInt32LE(index * 4));
    return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8), groups };
  };
}

/** Number of a group on this host, or null when there is none of that name. */
export async function findGroupId(name: string): Promise<number | null> {
  const { code, stdout } = await run('getent', ['group', '--', name], { okCodes: [0, 2] });
  const gid = Number(stdout.split(':')[2]);
  return code === 0 && Number.isInteger(gid) ? gid : null;
}
