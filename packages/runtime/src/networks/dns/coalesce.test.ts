import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Coalesced } from './coalesce.ts';

it('runs at once, then shares one run among all that ask meanwhile', async () => {
  const runs: string[] = [];
  const coalesced = new Coalesced((key) => Promise.resolve(void runs.push(key)), 20);
  await coalesced.request('a');
  expect(runs).toEqual(['a']);
  await Promise.all([coalesced.request('a'), coalesced.request('a'), coalesced.request('b'), coalesced.request('a')]);
  expect(runs.sort()).toEqual(['a', 'a', 'b']);
});

it('never lets a caller share a run that began before it asked', async () => {
  let begun = 0;
  const coalesced = new Coalesced(async () => {
    begun++;
    await sleep(20);
  }, 1);
  const first = coalesced.request('a');
  await sleep(5);
  const second = coalesced.request('a');
  await Promise.all([first, second]);
  expect(begun).toBe(2);
});

it('tells those who wait of a failure, and goes on', async () => {
  let fail = true;
  const coalesced = new Coalesced(() => (fail ? Promise.reject(new Error('no')) : Promise.resolve()), 1);
  await expect(coalesced.request('a')).rejects.toThrow('no');
  fail = false;
  await coalesced.request('a');
});
