'use client';

import * as Slot from 'radix-ui/slot';
import { Suspense, useState, type ComponentType, type ReactElement } from 'react';

/** Shows the trigger alone until it is used; only then the menu's code is loaded. `content` is made by React's `lazy`. */
export function LazyMenu({
  trigger,
  content: Content,
  preload,
}: {
  trigger: ReactElement;
  content: ComponentType;
  preload?(): void;
}) {
  const [wanted, setWanted] = useState(false);
  const button = (
    <Slot.Root
      aria-haspopup="menu"
      onClick={() => setWanted(true)}
      onPointerEnter={() => preload?.()}
      onFocus={() => preload?.()}
    >
      {trigger}
    </Slot.Root>
  );
  return wanted ? (
    <Suspense fallback={button}>
      <Content />
    </Suspense>
  ) : (
    button
  );
}
