'use client';

import { Bell, Menu as MenuIcon, Search } from 'lucide-react';
import { lazy } from 'react';
import { useStore } from '../../lib/store.ts';
import { IconButton } from '../../ui/button.tsx';
import { LazyMenu } from '../../ui/lazy-menu.tsx';
import { useNotifications } from '../notifications/notifications.ts';
import { OperationsButton } from '../operations/operations-button.tsx';
import { Logo } from './logo.tsx';
import { useOverlays } from './overlays.ts';
import { UserButton } from './user-button.tsx';

const loadUserMenu = () => import('./user-menu.tsx').then((module) => ({ default: module.UserMenu }));
const UserMenu = lazy(loadUserMenu);

export function TopBar() {
  const overlays = useOverlays();
  return (
    <div className="z-30 flex h-12 shrink-0 items-center gap-1 border-b border-line bg-surface px-2 sm:px-4">
      <span className="flex items-center gap-1 sm:hidden">
        <IconButton label="Menu" aria-haspopup="dialog" onClick={() => overlays.show('navigation')}>
          <MenuIcon />
        </IconButton>
        <Logo className="size-6" />
      </span>
      <button
        type="button"
        aria-label="Search and commands"
        aria-haspopup="dialog"
        onClick={() => overlays.show('palette')}
        className="flex h-8 items-center gap-2 rounded-md px-2 text-sm text-ink-3 transition-colors hover:text-ink sm:w-72 sm:border sm:border-line sm:bg-bg sm:hover:border-line-strong"
      >
        <Search className="size-4" aria-hidden />
        <span className="flex-1 text-left max-sm:hidden">Search or jump to…</span>
        <kbd className="rounded border border-line bg-surface px-1 font-sans text-2xs max-sm:hidden">Ctrl K</kbd>
      </button>
      <span className="flex-1" />
      <OperationsButton />
      <BellButton />
      <LazyMenu trigger={<UserButton />} content={UserMenu} preload={() => void loadUserMenu()} />
    </div>
  );
}

function BellButton() {
  const overlays = useOverlays();
  const notices = useStore(useNotifications().list);
  const unread = notices.filter((notice) => !notice.read).length;
  const bad = notices.some((notice) => !notice.read && notice.tone === 'bad');
  return (
    <IconButton
      label={unread > 0 ? `Notifications, ${unread} unread` : 'Notifications'}
      aria-haspopup="dialog"
      onClick={() => overlays.show('notifications')}
      className="relative"
    >
      <Bell />
      {unread > 0 && (
        <span
          aria-hidden
          className={`absolute top-0 right-0 grid h-4 min-w-4 place-items-center rounded-full px-1 text-2xs font-semibold tabular ${bad ? 'bg-bad text-bad-ink' : 'bg-accent text-accent-ink'}`}
        >
          {unread > 99 ? '99+' : unread}
        </span>
      )}
    </IconButton>
  );
}
