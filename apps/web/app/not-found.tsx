'use client';

import Link from 'next/link';
import { buttonClass } from '../ui/button.tsx';

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <div className="text-center">
        <h1 className="text-xl font-semibold">There is no such page</h1>
        <p className="mt-1 mb-4 text-ink-2">The address is wrong, or the page has moved.</p>
        <Link href="/instances" className={buttonClass('primary')}>
          Go to the instances
        </Link>
      </div>
    </main>
  );
}
