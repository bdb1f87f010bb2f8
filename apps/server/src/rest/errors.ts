import { DomainError, isDomainError, type ErrorCode } from '@stapes/contract/errors';

/** The total table from our codes to HTTP; the tRPC door has its own beside it. */
export const httpStatusOf: Record<ErrorCode, number> = {
  invalid: 400,
  // Clients of this API know 403 only, whoever they are: 401 would make some of them ask for a password.
  unauthenticated: 403,
  forbidden: 403,
  'not-found': 404,
  exists: 409,
  busy: 409,
  'wrong-state': 400,
  'in-use': 400,
  precondition: 412,
  unsupported: 501,
  'no-space': 507,
  'too-large': 413,
  'rate-limited': 429,
  timeout: 504,
  cancelled: 400,
  unavailable: 503,
  internal: 500,
};

/** Any thrown thing as ours. An unknown one is wrapped here, once: its text is for the log, not for the client. */
export function toDomainError(error: unknown): DomainError {
  if (isDomainError(error)) return error;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (status === 413) return new DomainError('too-large', 'The request is too large', { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new DomainError('invalid', 'The request is malformed', { cause: error });
  }
  return new DomainError('internal', 'The server failed; its log says why', { cause: error });
}
