/** The closed list of reasons for which anything in Stapes can fail. Each door has one total table from code to its own status. */
export const errorCodes = [
  'invalid', // the request is malformed or a value is out of range
  'unauthenticated', // nobody knows who is asking
  'forbidden', // known, but may not
  'not-found',
  'exists', // the name or address is taken
  'busy', // another operation holds the object; try again later
  'wrong-state', // the object's state does not allow it (start a running instance)
  'in-use', // cannot be removed while others refer to it
  'precondition', // If-Match did not match
  'unsupported', // this host, driver or server cannot do it
  'no-space',
  'too-large', // a size, count or depth limit was passed
  'rate-limited',
  'timeout',
  'cancelled',
  'unavailable', // a part that is needed is down
  'internal', // anything unknown, wrapped once at the door
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorDetails {
  /** Form field or key that the error belongs to, for example `config.limits.cpu` or `name`. */
  field?: string;
  /** Command that failed, as argv (no secrets are ever put into argv). */
  command?: string[];
  /** Last lines of its stderr. */
  stderr?: string;
  [key: string]: unknown;
}

/** The one error class. The message says what failed, on what, and what to do. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

export function isDomainError(error: unknown): error is DomainError {
  return error instanceof DomainError;
}

/** Message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
