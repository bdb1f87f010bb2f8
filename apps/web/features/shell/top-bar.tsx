'use client';

import { useMutation } from '@tanstack/react-query';
import { Bell, CircleUser, LogOut, Menu as MenuIcon, Search, Settings } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useStore } from '../../lib/store.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { IconButton } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuLabel, MenuSeparator } from '../../ui/menu.tsx';
import { useNotifications } from '../notifications/notifications.ts';
import { OperationsButton } from '../operations/operations-button.tsx';
import { Logo } from './logo.tsx';
import { useOverlays } from './overlays.ts';
import { setTheme, useTheme, type Theme } from './theme.ts';

export function TopBar({ username }: { username: string }) {
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
      <UserMenu username={username} />
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

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

function UserMenu({ username }: { username: string }) {
  const trpc = useTRPC();
  const router = useRouter();
  const theme = useTheme();
  const logout = useMutation(trpc.auth.logout.mutationOptions({ onSuccess: () => location.replace('/login') }));
  return (
    <Menu
      label="Account"
      trigger={
        <IconButton label={`Account: ${username}`}>
          <CircleUser />
        </IconButton>
      }
    >
      <MenuLabel>Signed in as {username}</MenuLabel>
      <MenuItem onSelect={() => router.push('/settings')}>
        <Settings aria-hidden /> Settings
      </MenuItem>
      <MenuSeparator />
      <MenuLabel>Theme</MenuLabel>
      {themes.map(([value, label]) => (
        <MenuItem key={value} onSelect={() => setTheme(value)}>
          <span aria-hidden className="w-4 text-center text-accent-text">
            {theme === value ? '●' : ''}
          </span>
          {label}
          {theme === value && <span className="sr-only">(chosen)</span>}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem onSelect={() => logout.mutate()}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}
