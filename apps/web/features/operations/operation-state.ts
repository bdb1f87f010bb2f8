import { isFinished, type OperationRecord } from '@stapes/contract/operation';
import type { Tone } from '../../ui/badge.tsx';

export type OperationGroup = 'running' | 'stuck' | 'finished';

export function groupOf(operation: OperationRecord): OperationGroup {
  if (operation.stuck) return 'stuck';
  return isFinished(operation) ? 'finished' : 'running';
}

export function toneOf(operation: OperationRecord): Tone {
  if (operation.stuck) return 'warn';
  if (operation.status === 'Success') return 'ok';
  if (operation.status === 'Failure') return 'bad';
  if (operation.status === 'Cancelled') return 'neutral';
  return 'accent';
}

export function statusText(operation: OperationRecord): string {
  if (operation.stuck) return 'Stuck';
  if (operation.status === 'Success') return 'Done';
  if (operation.status === 'Failure') return 'Failed';
  return operation.status;
}

/** Null when it can be cancelled. */
export function whyNoCancel(operation: OperationRecord): string | null {
  if (isFinished(operation)) return 'It has ended';
  if (operation.status === 'Cancelling') return 'It is being cancelled';
  return operation.may_cancel ? null : 'This step cannot be interrupted';
}
