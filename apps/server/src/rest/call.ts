import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { DomainError } from '@stapes/contract/errors';
import type { Context, Identity } from '../services/context.ts';

const nobody: Identity = { username: '', protocol: 'none' };

/** Who asks, as the authentication hook has noted it. Without a note it is nobody. */
export function identityOf(request: object): Identity {
  return (request as { identity?: Identity | null }).identity ?? nobody;
}

export function queryOf(url: string | undefined): URLSearchParams {
  const start = url?.indexOf('?') ?? -1;
  return new URLSearchParams(start < 0 ? '' : url?.slice(start + 1));
}

/** The project is named by the query only, never by a body. */
export function projectOf(query: URLSearchParams): string {
  const project = query.get('project');
  const all = query.get('all-projects');
  if (project !== null && (all === 'true' || all === '1')) {
    throw new DomainError('invalid', 'Give either "project" or "all-projects"', { details: { field: 'project' } });
  }
  if (project !== null && project !== '' && project !== 'default')
    throw new DomainError('not-found', 'Project not found');
  return 'default';
}

export function contextOf(options: {
  identity: Identity;
  query: URLSearchParams;
  requestId: string;
  address: string;
}): Context {
  const { identity, query, requestId } = options;
  return {
    identity,
    project: projectOf(query),
    requestId,
    address: identity.protocol === 'unix' ? '@' : options.address,
  };
}

/** A single `If-Match`. */
export function ifMatchOf(headers: IncomingHttpHeaders): string | undefined {
  return headers['if-match'] === '' ? undefined : headers['if-match'];
}

export function remoteAddress(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '@';
}
