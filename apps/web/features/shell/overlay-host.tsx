'use client';

import dynamic from 'next/dynamic';
import { useStore } from '../../lib/store.ts';
import { useOverlays } from './overlays.ts';

const Palette = dynamic(() => import('../palette/palette.tsx').then((module) => module.Palette), { ssr: false });
const HelpSheet = dynamic(() => import('./help-sheet.tsx').then((module) => module.HelpSheet), { ssr: false });
const CreateWizard = dynamic(() => import('../create/create-wizard.tsx').then((module) => module.CreateWizard), {
  ssr: false,
});
const NavigationSheet = dynamic(() => import('./navigation-sheet.tsx').then((module) => module.NavigationSheet), {
  ssr: false,
});
const NoticesSheet = dynamic(() => import('../notifications/notices-sheet.tsx').then((module) => module.NoticesSheet), {
  ssr: false,
});

export function OverlayHost() {
  const overlays = useOverlays();
  const open = useStore(overlays.open);
  const close = () => overlays.close();
  switch (open) {
    case 'palette':
      return <Palette onClose={close} />;
    case 'help':
      return <HelpSheet onClose={close} />;
    case 'create':
      return <CreateWizard defaults={overlays.createDefaults} onClose={close} />;
    case 'navigation':
      return <NavigationSheet onClose={close} />;
    case 'notifications':
      return <NoticesSheet onClose={close} />;
    case null:
      return null;
  }
}
