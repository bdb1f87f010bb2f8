import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';

/** `sun_path` of a unix socket holds 108 bytes with its end. */
const longest = 107;

export function hostSocketPath(stateDir: string): string {
  const path = join(stateDir, 'run', 'terminals.socket');
  if (Buffer.byteLength(path) > longest) {
    throw new DomainError(
      'invalid',
      `${path} is too long for a socket (${longest} bytes): choose a shorter STAPES_DIR`,
    );
  }
  return path;
}
