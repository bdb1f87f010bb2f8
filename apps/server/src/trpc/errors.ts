import { DomainError, isDomainError, type ErrorCode, type ErrorDetails } from '@stapes/contract/errors';
import { TRPCError, type TRPC_ERROR_CODE_KEY } from '@trpc/server';

/** The total table from our codes to tRPC's; the REST door has its own beside it. */
export const trpcCodes: Record<ErrorCode, TRPC_ERROR_CODE_KEY> = {
  invalid: 'BAD_REQUEST',
  unauthenticated: 'UNAUTHORIZED',
  forbidden: 'FORBIDDEN',
  'not-found': 'NOT_FOUND',
  exists: 'CONFLICT',
  busy: 'CONFLICT',
  'wrong-state': 'CONFLICT',
  'in-use': 'CONFLICT',
  precondition: 'PRECONDITION_FAILED',
  unsupported: 'NOT_IMPLEMENTED',
  'no-space': 'INTERNAL_SERVER_ERROR',
  'too-large': 'PAYLOAD_TOO_LARGE',
  'rate-limited': 'TOO_MANY_REQUESTS',
  timeout: 'TIMEOUT',
  cancelled: 'CLIENT_CLOSED_REQUEST',
  unavailable: 'SERVICE_UNAVAILABLE',
  internal: 'INTERNAL_SERVER_ERROR',
};

/** What the dashboard reads in `error.data.domain`. */
export interface DomainErrorShape {
  code: ErrorCode;
  message: string;
  details: ErrorDetails;
}

export function toTrpcError(error: DomainError): TRPCError {
  return new TRPCError({ code: trpcCodes[error.code], message: error.message, cause: error });
}

/** An unknown error is wrapped once, here: its text goes to the log, not to the browser. */
export function domainShape(error: TRPCError): DomainErrorShape {
  const cause = error.cause;
  if (isDomainError(cause)) return { code: cause.code, message: cause.message, details: cause.details };
  switch (error.code) {
    case 'INTERNAL_SERVER_ERROR':
      return { code: 'internal', message: 'The server failed; its log says why', details: {} };
    case 'NOT_FOUND':
      return { code: 'not-found', message: error.message, details: {} };
    case 'PAYLOAD_TOO_LARGE':
      return { code: 'too-large', message: error.message, details: {} };
    default:
      return { code: 'invalid', message: error.message, details: {} };
  }
}
