'use client';

import { useQuery } from '@tanstack/react-query';
import { ListChecks } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import { plural } from '../../lib/format.ts';
import { useTRPC } from '../../lib/trpc.ts';
import { IconButton } from '../../ui/button.tsx';
import { Spinner } from '../../ui/spinner.tsx';
import { groupOf } from './operation-state.ts';

const OperationsTray = dynamic(() => import('./operations-tray.tsx').then((module) => module.OperationsTray), {
  ssr: false,
});

/** Opens the tray; shows how many run, and whether one is stuck. */
export function OperationsButton() {
  const trpc = useTRPC();
  const [open, setOpen] = useState(false);
  const history = useQuery(trpc.operations.history.queryOptions());
  const running =
    history.data?.filter((operation) => groupOf(operation) === 'running' && operation.class === 'task').length ?? 0;
  const stuck = history.data?.filter((operation) => operation.stuck).length ?? 0;
  const label = [
    'Operations',
    running > 0 && `${running} running`,
    stuck > 0 && `${plural(stuck, 'needs', 'need')} attention`,
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <>
      <IconButton label={label} aria-haspopup="dialog" onClick={() => setOpen(true)} className="relative">
        {running > 0 ? <Spinner className="size-4! text-accent-text" /> : <ListChecks />}
        {running > 0 && (
          <span
            aria-hidden
            className="absolute top-0 right-0 grid h-4 min-w-4 place-items-center rounded-full bg-accent px-1 text-2xs font-semibold text-accent-ink tabular"
          >
            {running}
          </span>
        )}
        {stuck > 0 && running === 0 && (
          <span aria-hidden className="absolute top-1 right-1 size-2 rounded-full bg-warn" />
        )}
      </IconButton>
      {open && <OperationsTray onClose={() => setOpen(false)} />}
    </>
  );
}
