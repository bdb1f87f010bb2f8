import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import { Providers } from '../features/shell/providers.tsx';
import { themeScript } from './theme-script.ts';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Stapes', template: '%s · Stapes' },
  description: 'Containers on this host',
  robots: 'noindex',
};
export const viewport: Viewport = { width: 'device-width', initialScale: 1, colorScheme: 'light dark' };

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: themeScript }} />
      </head>
      <body>
        <Providers>{children}</Providers>
      </body>
    </html>
  );
}
