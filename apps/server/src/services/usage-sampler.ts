import type { InstanceUsage } from '@stapes/runtime/instances/driver';
import type { BaseDeps } from './deps.ts';
import type { UsagePoint } from './services.ts';

const historyMs = 10_000;
const liveMs = 2_000;
const historyPoints = 360;

interface Reading {
  atMs: number;
  cpuNs: number;
  rx: number;
  tx: number;
}

/** Figures for graphs: an hour at 10 s in memory, and every 2 s while somebody looks. Lost with the process, and that is fine. */
export interface UsageSampler {
  history(id: string): UsagePoint[];
  /** Batches by instance name. */
  stream(project: string, signal: AbortSignal): AsyncIterable<Record<string, UsagePoint>>;
  start(): void;
  stop(): void;
}

function trafficOf(usage: InstanceUsage): { rx: number; tx: number } {
  let rx = 0;
  let tx = 0;
  for (const [name, { counters }] of Object.entries(usage.network)) {
    if (name === 'lo') continue;
    rx += counters.bytes_received;
    tx += counters.bytes_sent;
  }
  return { rx, tx };
}

/** Rates between two readings. Counters that went back belong to another life of the instance: that interval counts as idle. */
export function pointBetween(
  before: Reading | undefined,
  now: Reading,
  usage: Pick<InstanceUsage, 'memoryBytes' | 'memoryTotalBytes'>,
): UsagePoint {
  const seconds = before ? (now.atMs - before.atMs) / 1000 : 0;
  const rate = (from: number | undefined, to: number) =>
    from !== undefined && seconds > 0 ? Math.max(0, to - from) / seconds : 0;
  return {
    t: now.atMs,
    cpu: rate(before?.cpuNs, now.cpuNs) / 1e9,
    memory: usage.memoryBytes,
    memoryTotal: usage.memoryTotalBytes,
    rx: rate(before?.rx, now.rx),
    tx: rate(before?.tx, now.tx),
  };
}

/** One series of samples: remembers the last reading of each instance. */
class Series {
  #last = new Map<string, Reading>();
  readonly #deps: BaseDeps;

  constructor(deps: BaseDeps) {
    this.#deps = deps;
  }

  async sample(): Promise<Map<string, UsagePoint>> {
    const driver = this.#deps.runtime.instances.container;
    const refs = [...(await driver.inspectAll()).keys()].map((id) => ({ id }));
    const readings = refs.length === 0 ? new Map<string, InstanceUsage>() : await driver.usage(refs);
    const points = new Map<string, UsagePoint>();
    const next = new Map<string, Reading>();
    const atMs = Date.now();
    for (const [id, usage] of readings) {
      const reading = { atMs, cpuNs: usage.cpuNs, ...trafficOf(usage) };
      next.set(id, reading);
      points.set(id, pointBetween(this.#last.get(id), reading, usage));
    }
    this.#last = next;
    return points;
  }
}

export function createUsageSampler(deps: BaseDeps): UsageSampler {
  const history = new Map<string, UsagePoint[]>();
  const listeners = new Set<(points: Map<string, UsagePoint>) => void>();
  const slow = new Series(deps);
  let slowTimer: NodeJS.Timeout | null = null;
  let fastTimer: NodeJS.Timeout | null = null;

  /** A sample that takes longer than its interval delays the next one; they never pile up. */
  function every(
    ms: number,
    work: () => Promise<void>,
    keep: (timer: NodeJS.Timeout) => void,
    wanted: () => boolean,
  ): void {
    const timer = setTimeout(() => {
      void work()
        .catch((error: unknown) => deps.log.debug({ err: error }, 'no usage sample'))
        .finally(() => (wanted() ? every(ms, work, keep, wanted) : undefined));
    }, ms);
    timer.unref();
    keep(timer);
  }

  async function remember(): Promise<void> {
    const points = await slow.sample();
    for (const [id, point] of points) {
      const ring = history.get(id) ?? [];
      ring.push(point);
      if (ring.length > historyPoints) ring.shift();
      history.set(id, ring);
    }
    const oldest = Date.now() - historyMs * historyPoints;
    for (const [id, ring] of history) if ((ring.at(-1)?.t ?? 0) < oldest) history.delete(id);
  }

  function watch(): void {
    if (fastTimer) return;
    const fast = new Series(deps);
    const tick = async () => {
      const points = await fast.sample();
      for (const listener of listeners) listener(points);
    };
    void tick().catch(() => undefined);
    every(
      liveMs,
      tick,
      (timer) => (fastTimer = timer),
      () => listeners.size > 0,
    );
  }

  return {
    history: (id) => [...(history.get(id) ?? [])],
    async *stream(project, signal) {
      let latest: Map<string, UsagePoint> | null = null;
      let wake: () => void = () => undefined;
      const listener = (points: Map<string, UsagePoint>) => {
        latest = points; // a slow reader gets the newest, never a queue
        wake();
      };
      const abort = () => wake();
      signal.addEventListener('abort', abort, { once: true });
      listeners.add(listener);
      watch();
      try {
        while (!signal.aborted) {
          if (!latest) await new Promise<void>((resolve) => (wake = resolve));
          const points = latest as Map<string, UsagePoint> | null;
          latest = null;
          if (!points || signal.aborted) continue;
          const named: Record<string, UsagePoint> = {};
          for (const row of await deps.store.instances.list()) {
            const point = row.project === project ? points.get(row.id) : undefined;
            if (point) named[row.name] = point;
          }
          yield named;
        }
      } finally {
        signal.removeEventListener('abort', abort);
        listeners.delete(listener);
        if (listeners.size === 0 && fastTimer) {
          clearTimeout(fastTimer);
          fastTimer = null;
        }
      }
    },
    start() {
      every(
        historyMs,
        remember,
        (timer) => (slowTimer = timer),
        () => slowTimer !== null,
      );
    },
    stop() {
      if (slowTimer) clearTimeout(slowTimer);
      slowTimer = null;
      if (fastTimer) clearTimeout(fastTimer);
      fastTimer = null;
      listeners.clear();
    },
  };
}
