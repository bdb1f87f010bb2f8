'use client';

import { BellOff } from 'lucide-react';
import Link from 'next/link';
import { formatAgo, formatDate } from '../../lib/format.ts';
import { useStore } from '../../lib/store.ts';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { cx } from '../../ui/cx.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { noticeColors, noticeIcons } from './notice-cards.tsx';
import { useNotifications } from './notifications.ts';

export function NoticesSheet({ onClose }: { onClose(): void }) {
  const notifications = useNotifications();
  const notices = useStore(notifications.list);
  const footer = notices.length > 0 && (
    <>
      <Button onClick={() => notifications.clear()}>Clear all</Button>
      <Button
        variant="primary"
        reason={notices.every((notice) => notice.read) ? 'Everything is read' : null}
        onClick={() => notifications.readAll()}
      >
        Mark all as read
      </Button>
    </>
  );
  return (
    <Dialog open onOpenChange={onClose} title="Notifications" kind="sheet" size="md" footer={footer}>
      {notices.length === 0 ? (
        <EmptyState icon={<BellOff aria-hidden />} title="Nothing to tell">
          Failed operations, and long ones that have ended, are listed here until you have read them.
        </EmptyState>
      ) : (
        <ul className="-mx-4 -my-4 divide-y divide-line">
          {notices.map((notice) => {
            const Icon = noticeIcons[notice.tone];
            return (
              <li key={notice.id} className={cx('flex gap-2.5 px-4 py-3', !notice.read && 'bg-accent-soft/40')}>
                <Icon className={cx('mt-0.5 size-4.5 shrink-0', noticeColors[notice.tone])} aria-hidden />
                <div className="min-w-0 flex-1">
                  <p className="text-sm font-semibold break-words">
                    {!notice.read && <span className="sr-only">Unread: </span>}
                    {notice.title}
                  </p>
                  {notice.body && <p className="text-sm break-words whitespace-pre-wrap text-ink-2">{notice.body}</p>}
                  <p className="mt-1 flex items-center gap-3 text-xs text-ink-3">
                    <time
                      dateTime={new Date(notice.atMs).toISOString()}
                      title={formatDate(new Date(notice.atMs).toISOString())}
                    >
                      {formatAgo(new Date(notice.atMs).toISOString())}
                    </time>
                    {notice.href && (
                      <Link
                        href={notice.href}
                        prefetch={false}
                        onClick={onClose}
                        className="font-medium text-accent-text hover:underline"
                      >
                        Open
                      </Link>
                    )}
                    {!notice.read && (
                      <button
                        type="button"
                        className="font-medium text-accent-text hover:underline"
                        onClick={() => notifications.dismiss(notice.id)}
                      >
                        Mark as read
                      </button>
                    )}
                  </p>
                </div>
                {notice.body && <CopyButton text={`${notice.title}\n${notice.body}`} />}
              </li>
            );
          })}
        </ul>
      )}
    </Dialog>
  );
}
