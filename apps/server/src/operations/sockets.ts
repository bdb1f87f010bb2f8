import { timingSafeEqual } from 'node:crypto';
import { DomainError } from '@stapes/contract/errors';
import type { WebSocket } from 'ws';
import type { Identity } from '../services/context.ts';
import type { OperationSocketOptions } from './engine-types.ts';

/** The secrets of a websocket operation: each lets its creator in once. */
export class OperationSockets {
  readonly #secrets: Map<string, string>;
  readonly #options: OperationSocketOptions;
  readonly #creator: string;

  constructor(options: OperationSocketOptions, creator: Identity) {
    for (const [fd, secret] of Object.entries(options.secrets)) {
      if (!/^[0-9a-f]{64}$/.test(secret))
        throw new DomainError('internal', `The secret of descriptor ${fd} is not 64 hex digits`);
    }
    this.#options = options;
    this.#secrets = new Map(Object.entries(options.secrets));
    this.#creator = identityKey(creator);
  }

  /** Throws unless `connect` would take the secret; uses nothing up. */
  check(identity: Identity, secret: string): string {
    const given = Buffer.from(secret);
    let fd: string | null = null;
    // All are compared, in constant time each, whichever it is.
    for (const [name, expected] of this.#secrets) {
      const wanted = Buffer.from(expected);
      if (given.length === wanted.length && timingSafeEqual(given, wanted)) fd = name;
    }
    if (fd === null || identityKey(identity) !== this.#creator) {
      throw new DomainError('forbidden', 'The secret of this operation is not right, or has been used');
    }
    return fd;
  }

  connect(identity: Identity, secret: string, socket: WebSocket): void {
    const fd = this.check(identity, secret);
    if (!this.#options.reusable?.includes(fd)) this.#secrets.delete(fd);
    this.#options.connect(fd, socket);
  }
}

function identityKey({ protocol, username }: Identity): string {
  return `${protocol}/${username}`;
}
