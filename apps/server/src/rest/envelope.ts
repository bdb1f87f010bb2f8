import type { DomainError } from '@stapes/contract/errors';
import type { Operation } from '@stapes/contract/operation';
import { httpStatusOf } from './errors.ts';

/** The three envelopes of the API. All seven fields are always there; clients read them without asking. */
export interface Envelope {
  type: 'sync' | 'async' | 'error';
  status: string;
  status_code: number;
  operation: string;
  error_code: number;
  error: string;
  metadata: unknown;
}

export function syncEnvelope(metadata: unknown): Envelope {
  return { type: 'sync', status: 'Success', status_code: 200, operation: '', error_code: 0, error: '', metadata };
}

export function asyncEnvelope(operation: Operation): Envelope {
  return {
    type: 'async',
    status: 'Operation created',
    status_code: 100,
    operation: operationUrl(operation.id),
    error_code: 0,
    error: '',
    metadata: operation,
  };
}

export function errorEnvelope(error: DomainError): Envelope {
  return {
    type: 'error',
    status: '',
    status_code: 0,
    operation: '',
    error_code: httpStatusOf[error.code],
    error: error.message,
    metadata: null,
  };
}

export function operationUrl(id: string): string {
  return `/1.0/operations/${encodeURIComponent(id)}`;
}
