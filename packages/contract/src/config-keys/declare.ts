/** How a configuration key is declared: once, as data. Validation, forms, live-update rules, `/1.0/metadata/configuration` and the docs read it. */

export type ConfigScope =
  | 'instance'
  | 'device-disk'
  | 'device-nic'
  | 'device-none'
  | 'network-bridge'
  | 'storage-dir'
  | 'storage-btrfs'
  | 'server';

export type ValueType =
  | { kind: 'bool' }
  | { kind: 'integer'; min?: number; max?: number }
  | {
      kind: 'string';
      multiline?: boolean;
      pattern?: RegExp;
      patternHint?: string;
      secret?: boolean;
      maxLength?: number;
    }
  | { kind: 'enum'; values: readonly string[] }
  | { kind: 'bytes'; percent?: boolean }
  | { kind: 'bits' }
  | { kind: 'cpu' } // `4`, `0-3`, `1,3`
  | { kind: 'list'; separator: ',' | ' '; item?: RegExp; itemHint?: string }
  /** Anything else: returns what is wrong, as a sentence, or null. */
  | { kind: 'custom'; check: (value: string) => string | null; hint: string };

export interface ConfigKey {
  /** `limits.cpu`; a trailing `*` takes any suffix (`user.*`). */
  key: string;
  /** What the suffix of a wildcard must look like (`environment.*` takes names of variables only). */
  suffix?: { pattern: RegExp; hint: string };
  scope: ConfigScope;
  /** Groups fields of a form and of the docs. */
  group: string;
  type: ValueType;
  /** As the API would have it (a string), or text in `()` where the default depends on something. */
  default?: string;
  /** Whether a change takes effect on a running instance. */
  live: boolean;
  /** For instance keys: which types of instance take it. */
  condition?: 'container' | 'virtual-machine';
  /** Set by the server only; users may neither set nor change it (`volatile.*` keys may be unset). */
  readOnly?: boolean;
  required?: boolean;
  /** Our own words, one sentence. */
  short: string;
}

type KeyFields = Pick<ConfigKey, 'key' | 'type' | 'short'> & Partial<ConfigKey>;

/** Keys of one group, with what they share said once. */
export function declareKeys(
  common: Pick<ConfigKey, 'scope' | 'group' | 'live'>,
  keys: readonly KeyFields[],
): ConfigKey[] {
  return keys.map((key) => ({ ...common, ...key }));
}

export const bool: ValueType = { kind: 'bool' };
export const bytes: ValueType = { kind: 'bytes' };
export const bits: ValueType = { kind: 'bits' };
export const text: ValueType = { kind: 'string' };
export const multilineText: ValueType = { kind: 'string', multiline: true };
