import type { InstanceRef, Limits } from '../driver.ts';
import type { LxcObserver } from './lxc-observer.ts';
import { cpusetSetting, parseCpus } from './limit-settings.ts';
import { usableCpus } from './lxc-limits.ts';

export interface Counted {
  id: string;
  count: number;
  /** Where it is now. */
  current: readonly number[];
}

/**
 * Gives each instance that asks for a number of CPUs those that the fewest others are bound to, and leaves it where it is when that is as good.
 * Sets that users have named count, but stay.
 */
export function balanceCpus(
  cpus: readonly number[],
  fixed: readonly (readonly number[])[],
  counted: readonly Counted[],
): Map<string, number[]> {
  const users = new Map(cpus.map((cpu) => [cpu, 0]));
  const bind = (some: readonly number[]) => {
    for (const cpu of some) if (users.has(cpu)) users.set(cpu, (users.get(cpu) ?? 0) + 1);
  };
  for (const set of fixed) bind(set);
  const chosen = new Map<string, number[]>();
  // The big ones first, as they have the least choice; then in an order that does not change.
  const order = [...counted].sort((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
  for (const { id, count, current } of order) {
    const best = [...cpus].sort(
      (a, b) =>
        (users.get(a) ?? 0) - (users.get(b) ?? 0) || Number(current.includes(b)) - Number(current.includes(a)) || a - b,
    );
    const mine = best.slice(0, Math.max(1, count)).sort((a, b) => a - b);
    bind(mine);
    chosen.set(id, mine);
  }
  return chosen;
}

interface Parts {
  observer: LxcObserver;
  /** What the limit on CPUs of an instance is, as it is written down. */
  findLimit(ref: InstanceRef): Promise<Limits['cpu']>;
}

const soonMs = 100;

/** Keeps the instances with a number of CPUs spread, live, as instances come and go. Only the cgroups of the kernel are the truth about who is where. */
export class CpuBalance {
  readonly #parts: Parts;
  readonly #limits = new Map<string, Limits['cpu']>();
  readonly #places = new Map<string, number[]>();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** For one that starts or has a new limit: where it shall be. */
  choose(ref: InstanceRef, limit: Limits['cpu']): number[] | null {
    this.#limits.set(ref.id, limit);
    if (!limit || !('count' in limit)) {
      this.#places.delete(ref.id);
      return null;
    }
    const others = [...this.#limits].flatMap(([id, other]) => (id === ref.id ? [] : [this.#boundTo(id, other)]));
    const mine = { id: ref.id, count: limit.count, current: this.#places.get(ref.id) ?? [] };
    const place = balanceCpus(usableCpus(this.#parts.observer), others, [mine]).get(ref.id) ?? [];
    this.#places.set(ref.id, place);
    return place;
  }

  #boundTo(id: string, limit: Limits['cpu']): readonly number[] {
    if (!limit) return [];
    return 'set' in limit ? parseCpus(limit.set) : (this.#places.get(id) ?? []);
  }

  /** Somebody has come or gone; several of these at once are one. */
  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#running = this.#running.then(() => this.#balance()).catch(() => undefined);
    }, soonMs).unref();
  }

  async #balance(): Promise<void> {
    const { observer, findLimit } = this.#parts;
    const ids = [...(await observer.inspectAll()).keys()];
    for (const id of this.#limits.keys()) if (!ids.includes(id)) this.#forget(id);
    for (const id of ids) if (!this.#limits.has(id)) this.#limits.set(id, await findLimit({ id }));
    const inits = new Map<string, Awaited<ReturnType<LxcObserver['findInit']>>>();
    const counted: Counted[] = [];
    const fixed: (readonly number[])[] = [];
    for (const id of ids) {
      const limit = this.#limits.get(id);
      if (limit && 'set' in limit) fixed.push(parseCpus(limit.set));
      if (!limit || !('count' in limit)) continue;
      const init = await observer.findInit({ id });
      if (!init) continue;
      inits.set(id, init);
      const text = init.cgroups.read('cpuset', 'cpuset.cpus')?.trim() ?? '';
      counted.push({ id, count: limit.count, current: text === '' ? [] : parseCpus(text) });
    }
    const version = observer.layout.v1.has('cpuset') ? 1 : 2;
    for (const [id, place] of balanceCpus(usableCpus(observer), fixed, counted)) {
      this.#places.set(id, place);
      const current = counted.find((one) => one.id === id)?.current ?? [];
      if (current.join() === place.join()) continue;
      try {
        inits.get(id)?.cgroups.write(cpusetSetting(place, version));
      } catch {
        // It has just ended, or something in it holds on to its CPUs: the others are still to be placed.
      }
    }
  }

  #forget(id: string): void {
    this.#limits.delete(id);
    this.#places.delete(id);
  }
}
