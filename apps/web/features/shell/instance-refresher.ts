import type { InstanceFull } from '@stapes/contract/instance';
import type { DataTag, QueryClient, QueryKey } from '@tanstack/react-query';
import { failureOf } from '../../lib/errors.ts';

interface RefresherParts {
  fetch(name: string): Promise<InstanceFull>;
  listKey: DataTag<QueryKey, InstanceFull[], unknown>;
  oneKey(name: string): QueryKey;
  queries: QueryClient;
}

/** Several events about one instance within this time are one fetch. */
const gatherMs = 40;
/** An address comes by DHCP some time after the start, without an event: look again a few times. */
const addressDelaysMs = [700, 1_500, 3_000, 6_000, 12_000];

function hasAddress(instance: InstanceFull): boolean {
  return Object.values(instance.state.network ?? {}).some((nic) =>
    nic.addresses.some((address) => address.scope === 'global'),
  );
}
function hasNic(instance: InstanceFull): boolean {
  return Object.values(instance.expanded_devices).some((device) => device.type === 'nic');
}

/** Fetches single instances after events and puts them into the cached list; never fetches the list. */
export class InstanceRefresher {
  readonly #parts: RefresherParts;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, boolean>();
  readonly #lookAgain = new Map<string, ReturnType<typeof setTimeout>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: RefresherParts) {
    this.#parts = parts;
  }

  refresh(name: string): void {
    this.#waiting.add(name);
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs);
  }

  remove(name: string): void {
    this.#waiting.delete(name);
    this.#forgetAddress(name);
    this.#parts.queries.setQueryData(this.#parts.listKey, (list) => list?.filter((instance) => instance.name !== name));
    this.#parts.queries.removeQueries({ queryKey: this.#parts.oneKey(name), type: 'inactive' });
    void this.#parts.queries.invalidateQueries({ queryKey: this.#parts.oneKey(name) });
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const timer of this.#lookAgain.values()) clearTimeout(timer);
    this.#lookAgain.clear();
    this.#waiting.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    const names = [...this.#waiting];
    this.#waiting.clear();
    for (const name of names) void this.#fetch(name, 0);
  }

  /** One fetch a name at a time; an event that comes meanwhile causes one more. */
  async #fetch(name: string, attempt: number): Promise<void> {
    if (this.#running.has(name)) {
      this.#running.set(name, true);
      return;
    }
    this.#running.set(name, false);
    try {
      const instance = await this.#parts.fetch(name);
      this.#put(instance);
      this.#followAddress(instance, attempt);
    } catch (error) {
      if (failureOf(error).code === 'not-found') this.remove(name);
    } finally {
      const again = this.#running.get(name);
      this.#running.delete(name);
      if (again) this.refresh(name);
    }
  }

  #put(instance: InstanceFull): void {
    this.#parts.queries.setQueryData(this.#parts.listKey, (list) => {
      if (!list) return list;
      const index = list.findIndex((one) => one.name === instance.name);
      return index === -1 ? [...list, instance] : list.with(index, instance);
    });
    void this.#parts.queries.invalidateQueries({ queryKey: this.#parts.oneKey(instance.name) });
  }

  #followAddress(instance: InstanceFull, attempt: number): void {
    this.#forgetAddress(instance.name);
    const delayMs = addressDelaysMs[attempt];
    if (instance.status !== 'Running' || delayMs === undefined || hasAddress(instance) || !hasNic(instance)) return;
    this.#lookAgain.set(
      instance.name,
      setTimeout(() => void this.#fetch(instance.name, attempt + 1), delayMs),
    );
  }

  #forgetAddress(name: string): void {
    clearTimeout(this.#lookAgain.get(name));
    this.#lookAgain.delete(name);
  }
}
