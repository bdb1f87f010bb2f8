import { DomainError, errorCodes, type ErrorCode } from '@stapes/contract/errors';
import type { Operation } from '@stapes/contract/operation';
import type { ServiceDeps } from './deps.ts';

/** Waits for an operation of a call that answers at its end, and fails as it failed. */
export async function ended(
  deps: { engine: Pick<ServiceDeps['engine'], 'wait'>; store: ServiceDeps['store'] },
  operation: Operation,
): Promise<void> {
  const end = await deps.engine.wait(operation.id, -1);
  if (end.status === 'Success') return;
  const stored = (await deps.store.operations.find(operation.id))?.errorCode;
  const code: ErrorCode = errorCodes.find((known) => known === stored) ?? 'internal';
  throw new DomainError(code, end.err || `${operation.description} failed`);
}
