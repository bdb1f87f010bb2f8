import type { InstanceFull } from '@stapes/contract/instance';
import { QueryClient, type DataTag, type QueryKey } from '@tanstack/react-query';
import { TRPCClientError } from '@trpc/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { InstanceRefresher } from './instance-refresher.ts';

const listKey = ['instances'] as unknown as DataTag<QueryKey, InstanceFull[], unknown>;
const instance = (name: string, change: object = {}) =>
  ({ name, status: 'Stopped', expanded_devices: {}, state: { network: {} }, ...change }) as unknown as InstanceFull;

function setUp(answers: Record<string, () => Promise<InstanceFull>>) {
  const queries = new QueryClient();
  queries.setQueryData(listKey, [instance('a'), instance('b')]);
  const fetch = vi.fn((name: string) => (answers[name] ?? (() => Promise.resolve(instance(name))))());
  const refresher = new InstanceRefresher({ fetch, listKey, oneKey: (name) => ['instance', name], queries });
  const list = () => queries.getQueryData<InstanceFull[]>(listKey) ?? [];
  return { refresher, fetch, list };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('several events about one instance are one fetch, and the others are left alone', async () => {
  const { refresher, fetch, list } = setUp({ a: () => Promise.resolve(instance('a', { status: 'Running' })) });
  const b = list()[1];
  for (let event = 0; event < 5; event++) refresher.refresh('a');
  await vi.advanceTimersByTimeAsync(50);
  expect(fetch).toHaveBeenCalledTimes(1);
  expect(list()[0]?.status).toBe('Running');
  expect(list()[1]).toBe(b);
});

test('a new instance joins the list, one that is not found leaves it', async () => {
  const gone = TRPCClientError.from({
    error: { code: -32004, message: 'gone', data: { domain: { code: 'not-found', message: 'gone', details: {} } } },
  } as never);
  const { refresher, list } = setUp({ a: () => Promise.reject(gone) });
  refresher.refresh('a');
  refresher.refresh('c');
  await vi.advanceTimersByTimeAsync(50);
  expect(list().map((one) => one.name)).toEqual(['b', 'c']);
});

test('an event during a fetch causes one more fetch', async () => {
  let answer: (value: InstanceFull) => void = () => undefined;
  const { refresher, fetch } = setUp({ a: () => new Promise((resolve) => (answer = resolve)) });
  refresher.refresh('a');
  await vi.advanceTimersByTimeAsync(50);
  refresher.refresh('a');
  refresher.refresh('a');
  await vi.advanceTimersByTimeAsync(50);
  expect(fetch).toHaveBeenCalledTimes(1);
  answer(instance('a'));
  await vi.advanceTimersByTimeAsync(50);
  expect(fetch).toHaveBeenCalledTimes(2);
});

test('an address that comes by DHCP is looked for a few times, not for ever', async () => {
  const running = instance('a', { status: 'Running', expanded_devices: { eth0: { type: 'nic' } } });
  const { refresher, fetch } = setUp({ a: () => Promise.resolve(running) });
  refresher.refresh('a');
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(fetch).toHaveBeenCalledTimes(6);
});
