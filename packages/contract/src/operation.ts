import type { StatusName } from './status.ts';

/** Operation as the Incus REST API shows it. */
export interface Operation {
  id: string;
  class: 'task' | 'websocket' | 'token';
  description: string;
  created_at: string;
  updated_at: string;
  status: StatusName;
  status_code: number;
  /** URLs by kind: `{ instances: ['/1.0/instances/web1'] }`; null when none. */
  resources: Record<string, string[]> | null;
  metadata: Record<string, unknown> | null;
  may_cancel: boolean;
  /** Empty unless it failed. */
  err: string;
  location: string;
}

/** What the dashboard's operations tray shows on top: kept for 30 days, `stuck` means that an undo failed and can be retried. */
export interface OperationRecord extends Operation {
  kind: string;
  project: string;
  requestor: string;
  stuck: boolean;
  error_code: string;
  /** 0 to 1, or null when unknown; and the step that runs now. */
  progress: { step: string; fraction: number | null; text: string } | null;
}

export const finishedStatuses: readonly StatusName[] = ['Success', 'Failure', 'Cancelled'];
export function isFinished(operation: { status: StatusName }): boolean {
  return finishedStatuses.includes(operation.status);
}
