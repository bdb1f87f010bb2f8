'use client';

import { useMutation, useQuery } from '@tanstack/react-query';
import { LogOut, Settings } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useTRPC } from '../../lib/trpc.ts';
import { Menu, MenuItem, MenuLabel, MenuSeparator } from '../../ui/menu.tsx';
import { setTheme, useTheme, type Theme } from './theme.ts';
import { UserButton } from './user-button.tsx';

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

/** Opens at once: it is loaded when its button was used. */
export function UserMenu() {
  const trpc = useTRPC();
  const router = useRouter();
  const theme = useTheme();
  const status = useQuery(trpc.auth.status.queryOptions());
  const logout = useMutation(trpc.auth.logout.mutationOptions({ onSuccess: () => location.replace('/login') }));
  return (
    <Menu label="Account" defaultOpen trigger={<UserButton />}>
      <MenuLabel>Signed in as {status.data?.username}</MenuLabel>
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
