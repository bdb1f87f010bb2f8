import { isFinished, type OperationRecord } from '@stapes/contract/operation';
import { instanceHref, networkHref, poolHref } from '../../lib/instance-link.ts';
import type { Tone } from '../../ui/badge.tsx';
import { pathOf } from '../shell/live-events.ts';

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

const pages: Record<string, (name: string) => string> = {
  instances: instanceHref,
  networks: networkHref,
  'storage-pools': poolHref,
};

/** What an operation is about, with its page when it has one. A snapshot leads to its instance. */
export function subjectsOf(operation: Pick<OperationRecord, 'resources'>): { name: string; href: string | null }[] {
  const urls = [...new Set(Object.values(operation.resources ?? {}).flat())];
  return urls.flatMap((url) => {
    const [noun = '', name, , sub] = pathOf(url);
    if (name === undefined) return [];
    const shown = noun === 'images' ? name.slice(0, 12) : sub ? `${name}/${sub}` : name;
    return [{ name: shown, href: pages[noun]?.(name) ?? null }];
  });
}
