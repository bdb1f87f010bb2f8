import { DomainError } from '@stapes/contract/errors';

export interface LockHolder {
  description: string;
  operationId: string | null;
}

/**
 * Locks by name, never waited for: who comes second gets `busy`. A name that starts with `shared:` can be held by many at once, but not together with
 * the same name without it: `shared:image:<fingerprint>` while instances are made from it, `image:<fingerprint>` to remove it.
 */
export class Locks {
  readonly #exclusive = new Map<string, LockHolder>();
  readonly #shared = new Map<string, Set<LockHolder>>();

  /** All or none. Returns the release, which may be called twice. */
  take(names: readonly string[], holder: LockHolder): () => void {
    const wanted = [...new Set(names)];
    for (const name of wanted) {
      const other = this.#conflict(name);
      if (other) throw busy(name, other);
    }
    return this.retake(wanted, holder);
  }

  /** At recovery: they were held when the server ended, whatever else is held now. */
  retake(names: readonly string[], holder: LockHolder): () => void {
    for (const name of names) {
      const base = baseOf(name);
      if (base === name) this.#exclusive.set(name, holder);
      else this.#shared.set(base, (this.#shared.get(base) ?? new Set()).add(holder));
    }
    return () => {
      for (const name of names) this.#release(name, holder);
    };
  }

  #conflict(name: string): LockHolder | undefined {
    const base = baseOf(name);
    const exclusive = this.#exclusive.get(base);
    if (exclusive || base !== name) return exclusive;
    return this.#shared.get(base)?.values().next().value;
  }

  #release(name: string, holder: LockHolder): void {
    const base = baseOf(name);
    if (base === name) {
      if (this.#exclusive.get(name) === holder) this.#exclusive.delete(name);
      return;
    }
    const holders = this.#shared.get(base);
    holders?.delete(holder);
    if (holders?.size === 0) this.#shared.delete(base);
  }
}

function baseOf(name: string): string {
  return name.startsWith('shared:') ? name.slice('shared:'.length) : name;
}

function busy(name: string, { description, operationId }: LockHolder): DomainError {
  const kind = baseOf(name).split(':')[0] ?? 'object';
  return new DomainError(
    'busy',
    `The ${kind} is busy with another operation ("${description}"): try again when that has ended`,
    { details: { lock: name, operation: operationId } },
  );
}
