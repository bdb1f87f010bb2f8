import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { DomainError } from '@stapes/contract/errors';

/** Checks that stand before every door of the TCP listener. The unix socket has none: no browser speaks there. */
export interface RequestGuard {
  /** Against DNS rebinding: a name that is not ours in `Host` means that somebody's name server points here. */
  checkHost(headers: IncomingHttpHeaders): void;
  /** Against requests that another site's page makes with our user's cookie. A read may lack both headers, and so may a program. */
  checkSite(headers: IncomingHttpHeaders): void;
  /** As `checkSite`, and a browser has to say its origin: the same-origin policy does not cover websockets. */
  checkUpgrade(headers: IncomingHttpHeaders): void;
}

/** Host name in a `Host` header without port and brackets, or null. */
export function hostNameOf(host: string | undefined): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/i.exec(host ?? '');
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}

export function createRequestGuard(origin: string, scheme: 'http' | 'https'): RequestGuard {
  const names = new Set(['localhost', new URL(origin).hostname.replace(/^\[|\]$/g, ''), hostname().toLowerCase()]);

  function checkSite(headers: IncomingHttpHeaders): void {
    const site = headers['sec-fetch-site'];
    // `same-site` is refused too: another port of this host is another program.
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      throw new DomainError('forbidden', 'Requests from other sites are refused');
    }
    if (headers.origin === undefined || headers.origin === origin) return;
    if (headers.origin !== `${scheme}://${headers.host ?? ''}`) {
      throw new DomainError(
        'forbidden',
        `Requests from ${headers.origin.slice(0, 200)} are refused: this server is ${origin}`,
      );
    }
  }
  return {
    checkHost(headers) {
      const name = hostNameOf(headers.host);
      // An address needs no name server, so nobody can have turned it on us.
      if (name !== null && (isIP(name) !== 0 || names.has(name))) return;
      throw new DomainError(
        'forbidden',
        `This server is not called ${String(headers.host).slice(0, 200)}: open ${origin}, or set STAPES_ORIGIN`,
      );
    },
    checkSite,
    checkUpgrade(headers) {
      checkSite(headers);
      if (headers.origin === undefined) throw new DomainError('forbidden', 'A websocket has to say its origin');
    },
  };
}
