import type { Operation } from '@stapes/contract/operation';
import type { Notice } from '../notifications/notifications.ts';
import { instancesOf } from '../shell/live-events.ts';
import { instanceHref } from '../../lib/instance-link.ts';

/** Good news about something that took longer than this is worth telling: one may have looked away. */
const longMs = 5_000;

/** What the user is told about an operation that has ended; null when nothing. */
export function noticeOf(
  operation: Operation,
): (Pick<Notice, 'id' | 'tone' | 'title'> & Partial<Pick<Notice, 'body' | 'href'>>) | null {
  const names = instancesOf(operation);
  const what = names.length > 0 ? `${operation.description}: ${names.slice(0, 3).join(', ')}` : operation.description;
  if (operation.status === 'Failure')
    return {
      id: operation.id,
      tone: 'bad',
      title: `${what} failed`,
      body: operation.err,
      href: `/operations?id=${operation.id}`,
    };
  const tookMs = Date.parse(operation.updated_at) - Date.parse(operation.created_at);
  if (operation.status !== 'Success' || operation.class !== 'task' || tookMs < longMs) return null;
  const name = names[0];
  return {
    id: operation.id,
    tone: 'ok',
    title: `${what} is done`,
    ...(name && !/delet/i.test(operation.description) ? { href: instanceHref(name) } : {}),
  };
}
