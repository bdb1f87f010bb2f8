'use client';

import { Dialog } from '../../ui/dialog.tsx';
import { NavigationList } from './sidebar.tsx';

/** The menu of narrow screens. */
export function NavigationSheet({ onClose }: { onClose(): void }) {
  return (
    <Dialog open onOpenChange={onClose} title="Menu" kind="sheet" size="sm">
      <NavigationList onNavigate={onClose} />
    </Dialog>
  );
}
