import { DomainError } from '@stapes/contract/errors';
import { eventTypes, type EventType } from '@stapes/contract/event';
import type { WebSocket } from 'ws';
import type { Context } from '../services/context.ts';
import type { EventsService } from '../services/services.ts';

export interface EventOptions {
  types: readonly EventType[];
  project: string | null;
}

const pingMs = 10_000;
/** A reader that leaves more than this unread is dropped; what it missed cannot be made up. */
const maxUnsentBytes = 8 * 1024 * 1024;

/** `type=` is a list with commas; all types when it is absent. */
export function eventOptionsOf(query: URLSearchParams, project: string): EventOptions {
  const asked = (query.get('type') ?? '').split(',').filter((type) => type !== '');
  const types = asked.map((name) => {
    const type = eventTypes.find((known) => known === name);
    if (!type)
      throw new DomainError('invalid', `Event types are ${eventTypes.join(', ')}`, { details: { field: 'type' } });
    return type;
  });
  const all = ['true', '1'].includes(query.get('all-projects') ?? '');
  return { types: types.length > 0 ? types : eventTypes, project: all ? null : project };
}

/** Sends each event as one text frame, in order, until either side ends. */
export function streamEvents(events: EventsService, context: Context, options: EventOptions, socket: WebSocket): void {
  let alive = true;
  const overflow = () => socket.close(1008, 'too slow');
  const unsubscribe = events.subscribe(
    context,
    options,
    (event) => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > maxUnsentBytes) {
        socket.terminate();
        return;
      }
      socket.send(JSON.stringify(event));
    },
    overflow,
  );
  const timer = setInterval(() => {
    if (!alive) {
      socket.terminate();
      return;
    }
    alive = false;
    socket.ping();
  }, pingMs);
  socket.on('pong', () => (alive = true));
  socket.on('message', () => (alive = true));
  socket.on('close', () => {
    clearInterval(timer);
    unsubscribe();
  });
}
