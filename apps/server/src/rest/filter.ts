import { DomainError } from '@stapes/contract/errors';
import { RE2JS } from 're2js';

/**
 * `filter=` of lists: `name eq web.* and not status eq stopped`. Clauses are joined strictly from the left by `and` and `or`; there are no
 * parentheses. A field is a dotted path (`config.image.os`). A value with commas matches any of its parts. Strings are compared with a regular
 * expression, without case and over the whole value unless it holds `^` or `$`; it runs in linear time (RE2), whatever a client sends.
 */
interface Clause {
  joinedBy: 'and' | 'or';
  negated: boolean;
  path: string;
  matches(value: unknown): boolean;
}

const maxLength = 4096;

function invalid(reason: string): DomainError {
  return new DomainError(
    'invalid',
    `The filter is not right: ${reason}. Write it like "name eq web1 and status ne stopped"`,
    {
      details: { field: 'filter' },
    },
  );
}

/** Words, where a value in double quotes is one word. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  const word = /\s*(?:"([^"]*)"|([^\s"]\S*))(?=\s|$)/y;
  const end = text.trimEnd().length;
  while (word.lastIndex < end) {
    const match = word.exec(text);
    if (!match) throw invalid('a quote is not closed');
    words.push(match[1] ?? match[2] ?? '');
  }
  return words;
}

function matcherOf(text: string): (value: string) => boolean {
  const alternatives = text.split(',').map((part) => {
    const source = /[\^$]/.test(part) ? part : `^(?:${part})$`;
    try {
      const pattern = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
      return (value: string) => pattern.matcher(value).find();
    } catch {
      // Not a regular expression: then it is the text itself.
      return (value: string) => value.toLowerCase() === part.toLowerCase();
    }
  });
  return (value) => alternatives.some((matches) => matches(value));
}

function parseFilter(text: string): Clause[] {
  if (text.length > maxLength) throw new DomainError('too-large', `A filter has at most ${maxLength} characters`);
  const words = wordsOf(text);
  const clauses: Clause[] = [];
  let joinedBy: Clause['joinedBy'] = 'and';
  for (let at = 0; at < words.length;) {
    const negated = words[at]?.toLowerCase() === 'not';
    if (negated) at++;
    const [path, operator, value] = words.slice(at, at + 3);
    if (path === undefined || operator === undefined || value === undefined)
      throw invalid('a condition is a field, "eq" or "ne", and a value');
    if (operator !== 'eq' && operator !== 'ne')
      throw invalid(`"${operator}" is not an operator; there are "eq" and "ne"`);
    const matches = matcherOf(value);
    const unlike = operator === 'ne';
    clauses.push({ joinedBy, negated, path, matches: (found) => unlike !== matchesValue(found, matches) });
    at += 3;
    if (at === words.length) break;
    const joiner = words[at];
    if (joiner !== 'and' && joiner !== 'or') throw invalid('conditions are joined by "and" or "or"');
    joinedBy = joiner;
    at++;
    if (at === words.length) throw invalid(`it ends after "${joiner}"`);
  }
  return clauses;
}

function matchesValue(value: unknown, matches: (value: string) => boolean): boolean {
  if (Array.isArray(value)) return value.some((item) => matchesValue(item, matches));
  if (value === undefined || value === null || typeof value === 'object') return false;
  return matches(String(value));
}

/** Keys may hold dots themselves (`config` has `image.os`), so that the longest key that is there is taken. */
function valueAt(item: unknown, path: string): unknown {
  if (typeof item !== 'object' || item === null) return undefined;
  if (Object.hasOwn(item, path)) return (item as Record<string, unknown>)[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const key = path.slice(0, dot);
    if (!Object.hasOwn(item, key)) continue;
    const found = valueAt((item as Record<string, unknown>)[key], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A test for each item. Throws `invalid` for a filter that cannot be read. */
export function compileFilter(text: string): (item: object) => boolean {
  const clauses = parseFilter(text);
  return (item) => {
    let result = true;
    for (const clause of clauses) {
      const holds = clause.negated !== clause.matches(valueAt(item, clause.path));
      result = clause.joinedBy === 'and' ? result && holds : result || holds;
    }
    return result;
  };
}
