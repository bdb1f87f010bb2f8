'use client';

import { createContext, useContext } from 'react';
import { Store } from '../../lib/store.ts';

export interface Notice {
  id: string;
  tone: 'info' | 'ok' | 'bad';
  title: string;
  /** Full text; errors keep everything the server said. */
  body?: string;
  href?: string;
  atMs: number;
  read: boolean;
  /** Shown as a card at the edge of the screen too. Errors stay there until they are dismissed. */
  card: boolean;
}

const storageKey = 'stapes-notices';
const most = 100;

function load(): Notice[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]');
    return Array.isArray(stored)
      ? (stored as Notice[]).map((notice) => ({ ...notice, card: notice.tone === 'bad' && !notice.read }))
      : [];
  } catch {
    return [];
  }
}

/** Everything that was told to the user, kept until it was read and over a reload. */
export class Notifications {
  readonly list = new Store<Notice[]>([]);
  #count = 0;

  restore(): void {
    this.list.set(load());
  }
  add(notice: Pick<Notice, 'tone' | 'title'> & Partial<Pick<Notice, 'body' | 'href' | 'id'>>): void {
    const id = notice.id ?? `${Date.now()}-${this.#count++}`;
    this.#save((list) =>
      [{ ...notice, id, atMs: Date.now(), read: false, card: true }, ...list.filter((one) => one.id !== id)].slice(
        0,
        most,
      ),
    );
  }
  hideCard(id: string): void {
    this.#save((list) => list.map((notice) => (notice.id === id ? { ...notice, card: false } : notice)));
  }
  dismiss(id: string): void {
    this.#save((list) => list.map((notice) => (notice.id === id ? { ...notice, card: false, read: true } : notice)));
  }
  readAll(): void {
    this.#save((list) =>
      list.map((notice) => (notice.read && !notice.card ? notice : { ...notice, read: true, card: false })),
    );
  }
  clear(): void {
    this.#save(() => []);
  }
  #save(change: (list: Notice[]) => Notice[]): void {
    this.list.update(change);
    try {
      localStorage.setItem(storageKey, JSON.stringify(this.list.get()));
    } catch {
      // A full or forbidden store costs only the memory over a reload.
    }
  }
}

export const NotificationsContext = createContext<Notifications | null>(null);
export function useNotifications(): Notifications {
  const notifications = useContext(NotificationsContext);
  if (!notifications) throw new Error('useNotifications needs the providers around it');
  return notifications;
}
