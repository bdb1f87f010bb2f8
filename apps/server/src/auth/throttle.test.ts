import { isDomainError } from '@stapes/contract/errors';
import { beforeEach, describe, expect, it } from 'vitest';
import { createThrottle, throttleKey, type Throttle } from './throttle.ts';

let nowMs: number;
let throttle: Throttle;
beforeEach(() => {
  nowMs = 1_000_000;
  throttle = createThrottle(() => nowMs, { freeFailures: 3, globalPerMinute: 1000, mostAddresses: 10 });
});

function tries(address: string): boolean {
  try {
    throttle.attempt(address);
    return true;
  } catch (error) {
    expect(isDomainError(error) && error.code).toBe('rate-limited');
    return false;
  }
}

describe('one address', () => {
  it('has to wait longer and longer after some failures', () => {
    expect([1, 2, 3].map(() => tries('10.0.0.1'))).toEqual([true, true, true]);
    const waits = [1, 2, 3, 4].map(() => {
      const from = nowMs;
      while (!tries('10.0.0.1')) nowMs += 100;
      return nowMs - from;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(tries('10.0.0.2')).toBe(true);
  });
  it('is never locked out for more than a quarter of an hour', () => {
    for (let index = 0; index < 60; index++) {
      nowMs += 16 * 60_000;
      expect(tries('10.0.0.1')).toBe(true);
    }
  });
  it('starts afresh once it was right', () => {
    for (let index = 0; index < 20; index++) {
      expect(tries('10.0.0.1')).toBe(true);
      throttle.succeeded('10.0.0.1');
    }
  });
});

it('limits everybody together, for a minute', () => {
  throttle = createThrottle(() => nowMs, { globalPerMinute: 20 });
  const passed = Array.from({ length: 50 }, (_, index) => tries(`10.0.1.${index}`)).filter(Boolean);
  expect(passed).toHaveLength(20);
  nowMs += 60_000;
  expect(tries('10.0.2.1')).toBe(true);
});

it('forgets whom it has not seen for longest when there are too many', () => {
  for (let index = 0; index < 3; index++) tries('10.0.0.1');
  expect(tries('10.0.0.1')).toBe(false);
  for (let index = 0; index < 10; index++) tries(`10.9.9.${index}`);
  expect(tries('10.0.0.1')).toBe(true);
});

it.each([
  ['::1', '0:0:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['192.168.1.1', '192.168.1.1'],
])('takes %s as one of %s', (address, key) => {
  expect(throttleKey(address)).toBe(key);
});
