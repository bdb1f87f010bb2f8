import type { ErrorCode, ErrorDetails } from '@stapes/contract/errors';
import { TRPCClientError } from '@trpc/client';

export interface DomainFailure {
  /** `offline` is the browser's own: no answer came. */
  code: ErrorCode | 'offline';
  message: string;
  details: ErrorDetails;
}

interface ErrorData {
  domain?: { code: ErrorCode; message: string; details?: ErrorDetails };
}

/** What went wrong, in the server's own words when it answered. */
export function failureOf(error: unknown): DomainFailure {
  if (error instanceof TRPCClientError) {
    const domain = (error.data as ErrorData | undefined)?.domain;
    if (domain) return { code: domain.code, message: domain.message, details: domain.details ?? {} };
    if (!error.shape)
      return {
        code: 'offline',
        message: 'The server does not answer. It may be restarting; instances go on running.',
        details: {},
      };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error), details: {} };
}

/** Message with the failed command and its output, for the places that show an error in full. */
export function fullMessage(failure: DomainFailure): string {
  const parts = [failure.message];
  if (failure.details.command) parts.push(`Command: ${failure.details.command.join(' ')}`);
  if (failure.details.stderr) parts.push(failure.details.stderr);
  return parts.join('\n');
}
