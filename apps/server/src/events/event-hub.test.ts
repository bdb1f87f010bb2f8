import type { EventType, ServerEvent } from '@stapes/contract/event';
import { describe, expect, it } from 'vitest';
import type { Context } from '../services/context.ts';
import { createEventHub, eventQueueLimit, lifecycle } from './event-hub.ts';

const context: Context = {
  identity: { username: 'root', protocol: 'unix' },
  project: 'default',
  requestId: 'r',
  address: '@',
};
const event = (name: string, project = 'default') =>
  lifecycle({ ...context, project }, 'instance-started', `/1.0/instances/${name}`, { name });
const nameOf = (received: ServerEvent) => (received.type === 'lifecycle' ? received.metadata.name : '');
const all = { types: ['lifecycle', 'operation', 'logging'] as readonly EventType[], project: null };

function reader(
  hub: ReturnType<typeof createEventHub>,
  options: { types?: readonly EventType[]; project?: string | null } = {},
) {
  const got: (string | undefined)[] = [];
  let overflows = 0;
  const leave = hub.subscribe(
    { ...all, ...options, onOverflow: () => void overflows++ },
    (received) => void got.push(nameOf(received)),
  );
  return { got, leave, overflows: () => overflows };
}

describe('the event hub', () => {
  it('gives every listener what it asked for, in order', () => {
    const hub = createEventHub();
    const everything = reader(hub);
    const project = reader(hub, { project: 'other' });
    const operations = reader(hub, { types: ['operation'] });
    hub.publish(event('a'));
    hub.publish(event('b', 'other'));
    everything.leave();
    hub.publish(event('c'));
    expect([everything.got, project.got, operations.got]).toEqual([['a', 'b'], ['b'], []]);
  });

  it('does not lose a listener that keeps up to a burst', () => {
    const hub = createEventHub();
    const quick = reader(hub);
    for (let i = 0; i < 3 * eventQueueLimit; i++) hub.publish(event(String(i)));
    expect(quick.got).toHaveLength(3 * eventQueueLimit);
    expect(quick.overflows()).toBe(0);
  });

  it('lets go of one that is too slow, tells it once, and holds up nobody else', async () => {
    const hub = createEventHub();
    let overflows = 0;
    let release: () => void = () => undefined;
    const got: (string | undefined)[] = [];
    hub.subscribe({ ...all, onOverflow: () => void overflows++ }, (received) => {
      got.push(nameOf(received));
      return new Promise((done) => (release = done));
    });
    const other = reader(hub);
    for (let i = 0; i <= eventQueueLimit; i++) hub.publish(event(String(i)));
    expect(overflows).toBe(0);
    for (let i = 0; i < 5; i++) hub.publish(event('late'));
    await Promise.resolve();
    expect(overflows).toBe(1);
    release();
    await Promise.resolve();
    expect(got).toEqual(['0']);
    expect(other.got).toHaveLength(eventQueueLimit + 6);
  });

  it('waits for a slow one and keeps its order', async () => {
    const hub = createEventHub();
    const got: (string | undefined)[] = [];
    hub.subscribe({ ...all, onOverflow: () => undefined }, async (received) => {
      await Promise.resolve();
      got.push(nameOf(received));
    });
    for (const name of ['a', 'b', 'c']) hub.publish(event(name));
    await expect.poll(() => got).toEqual(['a', 'b', 'c']);
  });

  it('bears a listener that throws, and one that publishes', () => {
    const hub = createEventHub();
    const got: (string | undefined)[] = [];
    hub.subscribe({ ...all, onOverflow: () => undefined }, () => {
      throw new Error('broken');
    });
    hub.subscribe({ ...all, onOverflow: () => undefined }, (received) => {
      got.push(nameOf(received));
      if (nameOf(received) === 'a') hub.publish(event('b'));
    });
    hub.publish(event('a'));
    hub.publish(event('c'));
    expect(got).toEqual(['a', 'b', 'c']);
  });

  it('says who did what, where', () => {
    expect(event('a')).toMatchObject({
      type: 'lifecycle',
      location: 'none',
      project: 'default',
      metadata: {
        action: 'instance-started',
        source: '/1.0/instances/a',
        requestor: { username: 'root', protocol: 'unix', address: '@' },
      },
    });
  });
});
