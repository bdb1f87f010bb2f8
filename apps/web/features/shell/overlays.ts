'use client';

import { createContext, useContext } from 'react';
import { Store } from '../../lib/store.ts';

/** What lies over the page: one thing at a time. Each is a chunk of its own. */
export type Overlay = 'palette' | 'help' | 'create' | 'navigation' | 'notifications' | null;

export interface CreateDefaults {
  /** Alias or fingerprint of an image, or a recipe, to begin with. */
  image?: string;
}

export class Overlays {
  readonly open = new Store<Overlay>(null);
  createDefaults: CreateDefaults = {};

  show(overlay: Overlay): void {
    this.open.set(overlay);
  }
  close(): void {
    this.open.set(null);
  }
  create(defaults: CreateDefaults = {}): void {
    this.createDefaults = defaults;
    this.open.set('create');
  }
}

export const OverlaysContext = createContext<Overlays | null>(null);
export function useOverlays(): Overlays {
  const overlays = useContext(OverlaysContext);
  if (!overlays) throw new Error('useOverlays needs the shell around it');
  return overlays;
}
