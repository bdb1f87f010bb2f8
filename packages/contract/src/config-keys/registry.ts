import type { InstanceType } from '../instance.ts';
import { hasControlCharacter } from '../names.ts';
import type { ConfigKey, ConfigScope } from './declare.ts';
import { deviceKeys } from './devices.ts';
import { checkDeviceAsWhole } from './device-rules.ts';
import { documentKeyList, type DocumentedKeys } from './document-keys.ts';
import { instanceKeys } from './instance.ts';
import { networkKeys } from './network.ts';
import { serverKeys } from './server.ts';
import { storageKeys } from './storage.ts';
import { checkValueOfType } from './value-types.ts';

export interface ConfigProblem {
  key: string;
  /** A sentence for people. */
  message: string;
}

export const configKeys: readonly ConfigKey[] = [
  ...instanceKeys,
  ...deviceKeys,
  ...networkKeys,
  ...storageKeys,
  ...serverKeys,
];

// Maps, never objects: a key called `__proto__` or `constructor` finds nothing.
const byScope = new Map<ConfigScope, ConfigKey[]>();
const exact = new Map<string, ConfigKey>();
for (const key of configKeys) {
  byScope.set(key.scope, [...(byScope.get(key.scope) ?? []), key]);
  exact.set(`${key.scope} ${key.key}`, key);
}

export function keysOf(scope: ConfigScope): readonly ConfigKey[] {
  return byScope.get(scope) ?? [];
}

/** The declaration that covers a key, wildcards (`user.*`) included; null when there is none. */
export function findKey(scope: ConfigScope, key: string): ConfigKey | null {
  if (key.includes('*')) return null;
  const found = exact.get(`${scope} ${key}`);
  if (found) return found;
  const covers = (declared: ConfigKey) => {
    if (!declared.key.endsWith('.*')) return false;
    const prefix = declared.key.slice(0, -1);
    return key.length > prefix.length && key.startsWith(prefix);
  };
  return keysOf(scope).find(covers) ?? null;
}

/** What is wrong with a value, as a sentence, or null. An empty value unsets the key and is always fine. */
export function checkValue(key: ConfigKey, value: string): string | null {
  return value === '' ? null : checkValueOfType(key.type, value);
}

function checkEntry(scope: ConfigScope, key: string, value: string, options: CheckOptions): string | null {
  if (hasControlCharacter(key) || key.length > 255) return 'A key has at most 255 characters and no control characters';
  const declared = findKey(scope, key);
  if (!declared) return 'unknown configuration key';
  if (typeof value !== 'string') return 'Give the value as a string';
  if (declared.readOnly && !options.allowReadOnly) return 'The server sets this key; it cannot be set by hand';
  if (declared.suffix && !declared.suffix.pattern.test(key.slice(declared.key.length - 1))) return declared.suffix.hint;
  if (declared.condition && options.instanceType && declared.condition !== options.instanceType) {
    return `This key is for ${declared.condition === 'container' ? 'containers' : 'virtual machines'} only`;
  }
  return checkValue(declared, value);
}

interface CheckOptions {
  instanceType?: InstanceType;
  /** Also takes keys that only the server sets; for what it reads back from its own store. */
  allowReadOnly?: boolean;
}

/** Everything that is wrong with a configuration, key by key. */
export function checkConfig(
  scope: ConfigScope,
  config: Record<string, string>,
  options: CheckOptions = {},
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [key, value] of Object.entries(config)) {
    const message = checkEntry(scope, key, value, options);
    if (message) problems.push({ key, message });
  }
  return problems;
}

const deviceTypes = ['disk', 'nic', 'none'] as const;

/** Checks one device, its `type` included, and how its keys go together. */
export function checkDevice(device: Record<string, string>, instanceType?: InstanceType): ConfigProblem[] {
  const type = Object.hasOwn(device, 'type') ? device['type'] : undefined;
  const known = deviceTypes.find((name) => name === type);
  if (!known) return [{ key: 'type', message: `Give the device one of the types ${deviceTypes.join(', ')}` }];
  const config = new Map(Object.entries(device).filter(([key]) => key !== 'type'));
  const options = instanceType ? { instanceType } : {};
  const problems: ConfigProblem[] = [];
  for (const [key, value] of config) {
    const message = checkEntry(`device-${known}`, key, value, options);
    if (message) problems.push({ key, message });
  }
  for (const declared of keysOf(`device-${known}`)) {
    if (declared.required && !config.get(declared.key))
      problems.push({ key: declared.key, message: `A ${known} needs this key` });
  }
  return problems.length > 0 ? problems : checkDeviceAsWhole(known, config);
}

export function checkDevices(
  devices: Record<string, Record<string, string>>,
  instanceType?: InstanceType,
): (ConfigProblem & { device: string })[] {
  return Object.entries(devices).flatMap(([device, config]) =>
    checkDevice(config, instanceType).map((problem) => ({ device, ...problem })),
  );
}

/** Answer of `/1.0/metadata/configuration`. */
export function documentKeys(): DocumentedKeys {
  return documentKeyList(configKeys);
}
