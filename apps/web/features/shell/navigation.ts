import { Boxes, Disc3, HardDrive, ListChecks, Network, Settings, type LucideIcon } from 'lucide-react';

export interface NavigationItem {
  href: string;
  label: string;
  icon: LucideIcon;
  /** Second key after `g`. */
  key: string;
  /** Pages that belong under it. */
  also?: readonly string[];
}

export const navigation: readonly NavigationItem[] = [
  { href: '/instances', label: 'Instances', icon: Boxes, key: 'i', also: ['/', '/instance'] },
  { href: '/images', label: 'Images', icon: Disc3, key: 'm' },
  { href: '/networks', label: 'Networks', icon: Network, key: 'n', also: ['/network'] },
  { href: '/storage', label: 'Storage', icon: HardDrive, key: 's', also: ['/pool'] },
  { href: '/operations', label: 'Operations', icon: ListChecks, key: 'o' },
  { href: '/settings', label: 'Settings', icon: Settings, key: ',' },
];

export function isCurrent(item: NavigationItem, pathname: string): boolean {
  return pathname === item.href || (item.also?.includes(pathname) ?? false);
}
