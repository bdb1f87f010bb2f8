'use client';

import { WifiOff } from 'lucide-react';
import { formatClock } from '../../lib/format.ts';
import { useStore } from '../../lib/store.ts';
import { Spinner } from '../../ui/spinner.tsx';
import { useConnection } from './providers.tsx';

/** Says, for as long as it is so, that what is shown may be old. */
export function ConnectionLine() {
  const state = useStore(useConnection().state);
  return (
    <div role="status" aria-live="polite">
      {state.status === 'lost' && (
        <div className="flex items-center gap-2 border-b border-warn/30 bg-warn-soft px-4 py-1.5 text-sm text-warn">
          <WifiOff className="size-4 shrink-0" aria-hidden />
          <span className="flex-1">
            Connection lost, showing state from{' '}
            <time className="font-semibold tabular">{formatClock(state.sinceMs)}</time>
          </span>
          <span className="flex items-center gap-1.5 max-sm:hidden">
            <Spinner /> Reconnecting
          </span>
        </div>
      )}
    </div>
  );
}
