'use client';

import { PageHeader } from '../../ui/page-header.tsx';
import { AboutCard } from './about-card.tsx';
import { PassphraseCard } from './passphrase-card.tsx';
import { PasskeysCard } from './passkeys-card.tsx';
import { SessionsCard } from './sessions-card.tsx';
import { ThemeCard } from './theme-card.tsx';

export function SettingsPage() {
  return (
    <>
      <PageHeader title="Settings" />
      <div className="grid max-w-5xl grid-cols-1 items-start gap-4 lg:grid-cols-2">
        <PasskeysCard />
        <PassphraseCard />
        <div className="lg:col-span-2">
          <SessionsCard />
        </div>
        <ThemeCard />
        <AboutCard />
      </div>
    </>
  );
}
