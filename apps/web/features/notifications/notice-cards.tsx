'use client';

import { CircleAlert, CircleCheck, Info, X } from 'lucide-react';
import Link from 'next/link';
import { useEffect } from 'react';
import { useStore } from '../../lib/store.ts';
import { IconButton } from '../../ui/button.tsx';
import { useNotifications, type Notice } from './notifications.ts';

export const noticeIcons = { info: Info, ok: CircleCheck, bad: CircleAlert };
export const noticeColors = { info: 'text-accent-text', ok: 'text-ok', bad: 'text-bad' };
const mostCards = 4;

/** New notices at the edge of the screen. Good news leaves by itself (and stays in the list); errors stay until somebody closes them. */
export function NoticeCards() {
  const notices = useStore(useNotifications().list).filter((notice) => notice.card);
  return (
    <div
      role="region"
      aria-label="New notifications"
      className="pointer-events-none fixed right-3 bottom-3 z-40 grid w-[min(24rem,calc(100vw-1.5rem))] gap-2"
    >
      <div aria-live="polite" className="grid gap-2">
        {notices.slice(0, mostCards).map((notice) => (
          <NoticeCard key={notice.id} notice={notice} />
        ))}
        {notices.length > mostCards && (
          <p className="text-right text-xs text-ink-2">and {notices.length - mostCards} more in the notifications</p>
        )}
      </div>
    </div>
  );
}

function NoticeCard({ notice }: { notice: Notice }) {
  const notifications = useNotifications();
  const Icon = noticeIcons[notice.tone];
  useEffect(() => {
    if (notice.tone === 'bad') return;
    const timer = setTimeout(() => notifications.hideCard(notice.id), 6_000);
    return () => clearTimeout(timer);
  }, [notice.id, notice.tone, notifications]);
  return (
    <div
      role={notice.tone === 'bad' ? 'alert' : 'status'}
      className="pointer-events-auto flex animate-slide items-start gap-2.5 rounded-lg border border-line bg-raised p-3 shadow-pop"
    >
      <Icon className={`mt-0.5 size-4.5 shrink-0 ${noticeColors[notice.tone]}`} aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="text-sm font-semibold break-words">{notice.title}</p>
        {notice.body && (
          <p className="max-h-40 overflow-y-auto text-sm break-words whitespace-pre-wrap text-ink-2">{notice.body}</p>
        )}
        {notice.href && (
          <Link
            href={notice.href}
            prefetch={false}
            onClick={() => notifications.dismiss(notice.id)}
            className="text-sm font-medium text-accent-text hover:underline"
          >
            Open
          </Link>
        )}
      </div>
      <IconButton label="Dismiss" size="sm" className="-mt-1 -mr-1" onClick={() => notifications.dismiss(notice.id)}>
        <X />
      </IconButton>
    </div>
  );
}
