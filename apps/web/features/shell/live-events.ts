import type { ServerEvent } from '@stapes/contract/event';
import { isFinished, type Operation, type OperationRecord } from '@stapes/contract/operation';

/** What an event asks the cache to do. Pure, so that it can be tested without a browser. */
export type CacheChange =
  | { kind: 'instance'; name: string }
  | { kind: 'instance-gone'; name: string }
  | { kind: 'snapshots'; name: string }
  | { kind: 'operation'; operation: Operation }
  | { kind: 'stale'; area: 'images' | 'networks' | 'profiles' | 'storage' | 'server' };

/** `/1.0/instances/web1/snapshots/a?project=x` is `['instances', 'web1', 'snapshots', 'a']`. */
export function pathOf(url: string): string[] {
  return url
    .replace(/[?#].*$/, '')
    .replace(/^\/1\.0\//, '')
    .split('/')
    .filter(Boolean)
    .map(decodeURIComponent);
}

const areas: Record<string, 'images' | 'networks' | 'profiles' | 'storage' | 'server'> = {
  images: 'images',
  networks: 'networks',
  profiles: 'profiles',
  'storage-pools': 'storage',
  config: 'server',
};

function ofLifecycle(metadata: Extract<ServerEvent, { type: 'lifecycle' }>['metadata']): CacheChange[] {
  const [noun, name, sub] = pathOf(metadata.source);
  if (noun === 'instances' && name) {
    if (sub === 'snapshots' || metadata.action.startsWith('instance-snapshot-'))
      return [
        { kind: 'snapshots', name },
        { kind: 'instance', name },
      ];
    if (metadata.action === 'instance-deleted') return [{ kind: 'instance-gone', name }];
    const old = metadata.context?.old_name;
    if (metadata.action === 'instance-renamed' && typeof old === 'string')
      return [
        { kind: 'instance-gone', name: old },
        { kind: 'instance', name },
      ];
    // A terminal or a file transfer changes nothing that is shown.
    if (/^instance-(exec|console|file-|log-|metadata-)/.test(metadata.action)) return [];
    return [{ kind: 'instance', name }];
  }
  const area = noun === undefined ? undefined : areas[noun];
  return area ? [{ kind: 'stale', area }] : [];
}

export function changesOf(event: ServerEvent): CacheChange[] {
  if (event.type === 'lifecycle') return ofLifecycle(event.metadata);
  if (event.type !== 'operation') return [];
  const operation = event.metadata;
  const changes: CacheChange[] = [{ kind: 'operation', operation }];
  // Only the ends and the first sight of an operation change an instance; its progress does not.
  if (isFinished(operation) || operation.created_at === operation.updated_at) {
    for (const name of instancesOf(operation)) changes.push({ kind: 'instance', name });
  }
  return changes;
}

export function instancesOf(operation: Pick<Operation, 'resources'>): string[] {
  return (operation.resources?.instances ?? []).flatMap((url) => pathOf(url)[1] ?? []);
}

/** The tray's list with one operation newer. */
export function withOperation(records: readonly OperationRecord[], operation: Operation): OperationRecord[] {
  const index = records.findIndex((record) => record.id === operation.id);
  const old = records[index];
  if (!old) {
    return [
      {
        kind: '',
        project: 'default',
        requestor: '',
        stuck: false,
        error_code: '',
        ...operation,
        progress: progressOf(operation),
      },
      ...records,
    ];
  }
  const next = [...records];
  next[index] = {
    ...old,
    ...operation,
    stuck: operation.status === 'Running' ? false : old.stuck,
    progress: isFinished(operation) ? null : progressOf(operation),
  };
  return next;
}

/** Progress as the engine puts it into an operation's metadata. */
export function progressOf(operation: Operation): OperationRecord['progress'] {
  const progress = operation.metadata?.progress;
  if (typeof progress !== 'object' || progress === null) return null;
  const { step, text, fraction } = progress as Record<string, unknown>;
  return {
    step: typeof step === 'string' ? step : '',
    text: typeof text === 'string' ? text : '',
    fraction: typeof fraction === 'number' ? fraction : null,
  };
}
