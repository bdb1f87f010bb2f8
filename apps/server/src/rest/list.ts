import { compileFilter } from './filter.ts';
import { sync, type Answer, type Call } from './route.ts';

/** `recursion=`: 0 URLs, 1 objects, 2 objects with what belongs to them. Words that are not numbers count as 0, as clients expect. */
export function recursionOf(call: Call): number {
  const value = Number(call.query.get('recursion') ?? '0');
  return Number.isInteger(value) && value >= 0 ? value : 0;
}

/** A list as URLs or objects, after `filter=`. */
export function listAnswer<T extends object>(call: Call, items: readonly T[], urlOf: (item: T) => string): Answer {
  const text = call.query.get('filter');
  const chosen = text === null || text.trim() === '' ? items : items.filter(compileFilter(text));
  return sync(recursionOf(call) === 0 ? chosen.map(urlOf) : chosen);
}

/** URL of an object: each part encoded. `?project=` is left out for the project `default`, the only one. */
export function urlOf(...parts: string[]): string {
  return `/1.0/${parts.map((part) => encodeURIComponent(part)).join('/')}`;
}
