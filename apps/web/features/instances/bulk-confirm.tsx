'use client';

import { useState } from 'react';
import { plural } from '../../lib/format.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { Checkbox } from '../../ui/input.tsx';
import type { BulkVerb } from './bulk.ts';

const words: Partial<Record<BulkVerb, string>> = { stop: 'Stop', restart: 'Restart', delete: 'Delete' };
const shown = 8;

/** Asks before what interrupts or destroys. Many deletions want the number typed. */
export function BulkConfirm({
  verb,
  names,
  onConfirm,
  onCancel,
}: {
  verb: BulkVerb;
  names: string[];
  onConfirm(force: boolean): void;
  onCancel(): void;
}) {
  const [force, setForce] = useState(false);
  const what = names.length === 1 ? (names[0] ?? '') : plural(names.length, 'instance');
  const word = words[verb] ?? verb;
  return (
    <ConfirmDialog
      open
      onOpenChange={onCancel}
      title={`${word} ${what}?`}
      action={`${word} ${what}`}
      danger={verb === 'delete'}
      {...(verb === 'delete' && names.length > 3 ? { typed: String(names.length) } : {})}
      onConfirm={() => onConfirm(force)}
    >
      <p>
        {verb === 'delete'
          ? 'Root file systems and snapshots are deleted too. This cannot be undone.'
          : 'The instances are asked to shut down, and have 30 seconds for it.'}
      </p>
      {names.length > 1 && (
        <p className="mt-2 font-mono text-xs break-words">
          {names.slice(0, shown).join(', ')}
          {names.length > shown && ` and ${names.length - shown} more`}
        </p>
      )}
      {verb !== 'delete' && (
        <label className="mt-3 flex items-center gap-2 text-sm text-ink">
          <Checkbox checked={force} onChange={(event) => setForce(event.target.checked)} />
          Force: cut them off at once
        </label>
      )}
    </ConfirmDialog>
  );
}
