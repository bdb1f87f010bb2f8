import { isIPv6 } from 'node:net';
import { DomainError } from '@stapes/contract/errors';

export interface ThrottleLimits {
  /** Failures of one address that cost nothing. */
  freeFailures: number;
  /** Wait after the first failure beyond; doubles with each. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** An address without failures for so long starts afresh. */
  forgetAfterMs: number;
  /** Attempts of everybody together in a minute. */
  globalPerMinute: number;
  /** Addresses that are remembered; the one that was quiet longest goes first. */
  mostAddresses: number;
}

const defaults: ThrottleLimits = {
  freeFailures: 5,
  firstWaitMs: 1_000,
  longestWaitMs: 15 * 60_000,
  forgetAfterMs: 60 * 60_000,
  globalPerMinute: 60,
  mostAddresses: 4096,
};

interface Record {
  failures: number;
  lastMs: number;
  blockedUntilMs: number;
}

/** Slows down guessing. Memory is bounded whatever is thrown at it. */
export interface Throttle {
  /** Throws `rate-limited` when this address, or everybody together, has to wait. Counts an attempt as failed until `succeeded` is called. */
  attempt(address: string): void;
  succeeded(address: string): void;
}

/** Whoever has an IPv6 address has a /64 of them. */
export function throttleKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after];
  return all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}

export function createThrottle(now: () => number, limits: Partial<ThrottleLimits> = {}): Throttle {
  const { freeFailures, firstWaitMs, longestWaitMs, forgetAfterMs, globalPerMinute, mostAddresses } = {
    ...defaults,
    ...limits,
  };
  const records = new Map<string, Record>();
  let windowStartMs = 0;
  let inWindow = 0;

  function refuse(waitMs: number): never {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    throw new DomainError('rate-limited', `Too many attempts: try again in ${seconds} seconds`, {
      details: { retryAfterS: seconds },
    });
  }
  function checkEverybody(nowMs: number): void {
    if (nowMs - windowStartMs >= 60_000) {
      windowStartMs = nowMs;
      inWindow = 0;
    }
    if (inWindow >= globalPerMinute) refuse(windowStartMs + 60_000 - nowMs);
    inWindow++;
  }
  return {
    attempt(address) {
      const key = throttleKey(address);
      const nowMs = now();
      let record = records.get(key);
      if (record && nowMs - record.lastMs > forgetAfterMs) record = undefined;
      if (record && nowMs < record.blockedUntilMs) refuse(record.blockedUntilMs - nowMs);
      checkEverybody(nowMs);
      const failures = (record?.failures ?? 0) + 1;
      const over = failures - freeFailures;
      const waitMs = over < 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(over, 30));
      records.delete(key); // so that the order of the map is that of the last attempt
      records.set(key, { failures, lastMs: nowMs, blockedUntilMs: nowMs + waitMs });
      if (records.size > mostAddresses) {
        const oldest = records.keys().next().value;
        if (oldest !== undefined) records.delete(oldest);
      }
    },
    succeeded(address) {
      records.delete(throttleKey(address));
    },
  };
}
