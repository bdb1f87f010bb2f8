import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createServices, type RunningServices } from '../compose.ts';
import { context, disposeSagaWorld, furnish, makeSagaWorld, type SagaWorld } from '../sagas/saga-world.ts';
import { expandCreationDate, expiryAfter, isDue } from '../services/snapshot-times.ts';
import { runSnapshotTimer } from './snapshot-timer.ts';

const minute = 60_000;
const at = (text: string) => new Date(`2026-03-04T${text}`).getTime();

describe('times', () => {
  test.each([
    ['*/5 * * * *', '10:04:59', '10:05:00', true],
    ['*/5 * * * *', '10:05:00', '10:09:59', false],
    ['@hourly', '10:59:30', '11:00:10', true],
    ['@hourly', '11:00:00', '11:59:59', false],
    ['@daily, @hourly', '10:59:30', '11:00:10', true],
    ['@startup', '00:00:00', '23:59:59', false],
    ['@never', '00:00:00', '23:59:59', false],
    ['@hourly,@never', '10:59:30', '11:00:10', false],
    ['', '00:00:00', '23:59:59', false],
  ])('%s between %s and %s: %s', (schedule, after, now, due) => {
    expect(isDue(schedule, at(after), at(now))).toBe(due);
  });
  test('an expiry is a span, with months and years of the calendar', () => {
    const from = Date.parse('2026-01-15T00:00:00Z');
    expect(expiryAfter(undefined, from)).toBeNull();
    expect(new Date(expiryAfter('1M 2H 3d', from) ?? 0).toISOString()).toBe('2026-01-18T02:01:00.000Z');
    expect(new Date(expiryAfter('1m 1y 1w', from) ?? 0).toISOString()).toBe('2027-02-22T00:00:00.000Z');
  });
  test('the date of a pattern is filled in', () => {
    const now = Date.parse('2026-03-04T05:06:07Z');
    const pattern = "a-{{ creation_date|date:'2006-01-02_15:04:05' }}-%d";
    expect(expandCreationDate(pattern, now)).toBe('a-2026-03-04_05-06-07-%d');
    expect(expandCreationDate('{{ creation_date }}', now)).toBe('20260304-050607');
  });
});

describe('the timer', () => {
  let world: SagaWorld;
  let running: RunningServices;
  const done = async (operation: Promise<{ id: string }>) =>
    expect(await running.services.operations.wait(context, (await operation).id, -1)).toMatchObject({ err: '' });
  const create = (name: string, config: Record<string, string>, start: boolean) =>
    done(
      running.services.instances.create(context, {
        ...{ name, config, start },
        source: { type: 'none' },
      }),
    );
  const taken = () => running.services.snapshots;
  const wait = (id: string, timeoutS: number) => running.services.operations.wait(context, id, timeoutS);
  const tick = (nowMs: number) => runSnapshotTimer({ ...world.deps, engine: { wait }, snapshots: taken() }, nowMs);
  const names = async (instance: string) => (await taken().list(context, instance)).map(({ name }) => name);

  beforeEach(async () => {
    world = await makeSagaWorld('stapes.db');
    await furnish(world);
    await world.store.settings.set('state.defaults', '1');
    running = createServices(world.deps);
    await running.start();
  });
  afterEach(async () => {
    await running.stop();
    await disposeSagaWorld(world);
  });

  test('takes what is due once, leaves stopped ones alone, and does not make up for a long sleep', async () => {
    const every = { 'snapshots.schedule': '* * * * *', 'snapshots.pattern': 'auto%d', 'snapshots.expiry': '1H' };
    await create('on', every, true);
    await create('off', every, false);
    await create('off-too', { ...every, 'snapshots.schedule.stopped': 'true' }, false);
    await create('rarely', { 'snapshots.schedule': '@yearly' }, true);
    const start = Math.ceil(Date.now() / minute) * minute + 1000;
    await tick(start);
    const before = (await names('on')).length;
    await tick(start + 20_000);
    expect(await names('on')).toHaveLength(before);
    await tick(start + 3 * minute);
    expect(await names('on')).toHaveLength(before + 1);
    expect((await names('on'))[0]).toBe('auto0');
    expect((await names('off-too')).length).toBeGreaterThan(0);
    expect(await names('off')).toEqual([]);
    expect(await names('rarely')).toEqual([]);
    const [snapshot] = await taken().list(context, 'on');
    expect(Date.parse(snapshot?.expires_at ?? '') - Date.parse(snapshot?.created_at ?? '')).toBe(60 * minute);
  });

  test('a run that was missed by hours waits for its next turn', async () => {
    await create('web', { 'snapshots.schedule': '0 6 * * *' }, true);
    await tick(at('05:00:00'));
    await tick(at('09:00:00'));
    expect(await names('web')).toEqual([]);
    await tick(at('05:59:00') + 24 * 60 * minute);
    await tick(at('06:01:00') + 24 * 60 * minute);
    expect(await names('web')).toEqual(['snap0']);
  });

  test('@startup takes one after each start, with an expiry; neither @never nor none does', async () => {
    await create('web', { 'snapshots.schedule': '@startup, @yearly', 'snapshots.expiry': '1H' }, true);
    for (const [name, schedule] of [
      ['never', '@startup,@never'],
      ['daily', '@yearly'],
      ['plain', ''],
    ] as const)
      await create(name, schedule === '' ? {} : { 'snapshots.schedule': schedule }, true);
    await expect.poll(() => names('web'), { timeout: 15_000 }).toEqual(['snap0']);
    const restart = { action: 'restart', force: true };
    for (const name of ['web', 'never', 'daily', 'plain'])
      await done(running.services.instances.setState(context, name, restart));
    await expect.poll(() => names('web'), { timeout: 15_000 }).toEqual(['snap0', 'snap1']);
    const [snapshot] = await taken().list(context, 'web');
    expect(Date.parse(snapshot?.expires_at ?? '') - Date.parse(snapshot?.created_at ?? '')).toBe(60 * minute);
    for (const name of ['never', 'daily', 'plain']) expect(await names(name)).toEqual([]);
  });

  test('removes what has expired, and nothing else', async () => {
    await create('web', {}, false);
    const soon = new Date(Date.now() + 5 * minute).toISOString();
    await done(taken().create(context, 'web', { name: 'brief', expires_at: soon }));
    await done(taken().create(context, 'web', { name: 'lasting' }));
    await tick(Date.now() + 4 * minute);
    expect(await names('web')).toEqual(['brief', 'lasting']);
    await tick(Date.now() + 6 * minute);
    expect(await names('web')).toEqual(['lasting']);
  });
});
