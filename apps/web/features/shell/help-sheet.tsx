'use client';

import { Dialog } from '../../ui/dialog.tsx';
import { shortcuts } from './shortcuts.ts';

export function HelpSheet({ onClose }: { onClose(): void }) {
  return (
    <Dialog open onOpenChange={onClose} title="Keyboard shortcuts" size="lg" reading>
      <div className="grid gap-x-10 gap-y-5 sm:grid-cols-2">
        {shortcuts.map((group) => (
          <section key={group.group}>
            <h3 className="mb-1 text-xs font-semibold text-ink-3">{group.group}</h3>
            <dl className="divide-y divide-line">
              {group.keys.map(([keys, what]) => (
                <div key={keys + what} className="flex items-center justify-between gap-4 py-1.5 text-sm">
                  <dt className="text-ink-2">{what}</dt>
                  <dd className="flex gap-1">
                    {keys.split(' ').map((key) => (
                      <kbd
                        key={key}
                        className="min-w-6 rounded border border-line bg-sunken px-1.5 text-center font-sans text-xs"
                      >
                        {key}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
