import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '@stapes/contract/errors';

/**
 * Refuses what another site's page sent with our user's cookie. Programs send neither header; browsers send at least one of them with
 * everything but a plain GET. `Origin` must be of the host that was asked.
 */
export function refuseForeignOrigin(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new DomainError('forbidden', 'Requests from other sites are refused');
  }
  const origin = headers.origin;
  if (origin === undefined) return;
  let host: string;
  try {
    host = new URL(origin).host;
  } catch {
    throw new DomainError('forbidden', 'Requests from unknown origins are refused');
  }
  if (host === '' || host !== headers.host)
    throw new DomainError('forbidden', 'Requests from other origins are refused');
}
