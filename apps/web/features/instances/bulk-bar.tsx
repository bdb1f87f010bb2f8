'use client';

import type { InstanceFull } from '@stapes/contract/instance';
import { Play, RotateCw, Snowflake, Square, Trash2, X, Zap, type LucideIcon } from 'lucide-react';
import dynamic from 'next/dynamic';
import { useState } from 'react';
import { plural } from '../../lib/format.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { bulkChoice, bulkVerbs, type BulkVerb } from './bulk.ts';
import { useBulkActions } from './use-bulk-actions.ts';

const BulkConfirm = dynamic(() => import('./bulk-confirm.tsx').then((module) => module.BulkConfirm), { ssr: false });
const icons: Record<BulkVerb, LucideIcon> = {
  start: Play,
  stop: Square,
  restart: RotateCw,
  freeze: Snowflake,
  unfreeze: Zap,
  delete: Trash2,
};

/** What can be done to the selected instances. A verb that fits only some of them says how many. */
export function BulkBar({ selected, onClear }: { selected: readonly InstanceFull[]; onClear(): void }) {
  const [confirm, setConfirm] = useState<{ verb: BulkVerb; names: string[] } | null>(null);
  const run = useBulkActions();
  const act = (verb: BulkVerb, names: string[]) => {
    if (verb === 'delete' || verb === 'stop' || verb === 'restart') setConfirm({ verb, names });
    else run.mutate({ verb, names });
  };
  return (
    <div
      role="toolbar"
      aria-label="Actions for the selected instances"
      className="flex min-h-8 min-w-0 flex-1 flex-wrap items-center gap-1.5"
    >
      <span className="mr-1 text-sm font-medium whitespace-nowrap tabular" aria-live="polite">
        {selected.length.toLocaleString()} selected
      </span>
      {bulkVerbs.map(([verb, label]) => {
        const choice = bulkChoice(verb, selected);
        if (verb === 'unfreeze' && choice.reason) return null;
        const Icon = icons[verb];
        const part = choice.names.length > 0 && choice.names.length < selected.length;
        return (
          <Button
            key={verb}
            size="sm"
            reason={choice.reason}
            onClick={() => act(verb, choice.names)}
            className={verb === 'delete' && !choice.reason ? 'text-bad!' : ''}
          >
            <Icon aria-hidden className="size-3.5!" />
            {label}
            {part && <span className="text-ink-3 tabular">{choice.names.length}</span>}
          </Button>
        );
      })}
      <IconButton size="sm" label="Clear the selection" onClick={onClear}>
        <X />
      </IconButton>
      {confirm && (
        <BulkConfirm
          verb={confirm.verb}
          names={confirm.names}
          onCancel={() => setConfirm(null)}
          onConfirm={(force) => {
            run.mutate({ ...confirm, force });
            setConfirm(null);
            if (confirm.verb === 'delete') onClear();
          }}
        />
      )}
      <span className="sr-only">{plural(selected.length, 'instance')} selected</span>
    </div>
  );
}
