import type { ConfigKey, ConfigScope, ValueType } from './declare.ts';

interface DocumentedKey {
  condition: string;
  defaultdesc: string;
  liveupdate: string;
  longdesc: string;
  required: string;
  scope: string;
  shortdesc: string;
  type: string;
}
export interface DocumentedKeys {
  configs: Record<string, Record<string, { keys: Record<string, DocumentedKey>[] }>>;
}

/** What the API calls each scope. */
const entities: Record<ConfigScope, string> = {
  instance: 'instance',
  'device-disk': 'devices',
  'device-nic': 'devices',
  'device-none': 'devices',
  'network-bridge': 'network_bridge',
  'storage-dir': 'storage_dir',
  'storage-btrfs': 'storage_btrfs',
  server: 'server',
};

/** The API knows three types. */
function apiType(type: ValueType): string {
  return type.kind === 'bool' || type.kind === 'integer' ? type.kind : 'string';
}

/** What a value looks like, for people. */
export function describeType(type: ValueType): string {
  switch (type.kind) {
    case 'bool':
      return 'true or false';
    case 'integer':
      if (type.min !== undefined && type.max !== undefined) return `whole number, ${type.min} to ${type.max}`;
      return type.min === undefined ? 'whole number' : `whole number, at least ${type.min}`;
    case 'string':
      return type.multiline ? 'text, many lines' : (type.patternHint ?? 'text');
    case 'enum':
      return type.values.join(', ');
    case 'bytes':
      return type.percent ? 'size (512MiB) or percentage (50%)' : 'size (512MiB)';
    case 'bits':
      return 'rate (100Mbit)';
    case 'cpu':
      return '4, 0-3 or 1,3';
    case 'list':
      return 'list';
    case 'custom':
      return type.hint;
  }
}

/** The shape of `/1.0/metadata/configuration`: entity, group, then a list of maps with one key each. */
export function documentKeyList(keys: readonly ConfigKey[]): DocumentedKeys {
  const configs: DocumentedKeys['configs'] = {};
  for (const key of keys) {
    const group = ((configs[entities[key.scope]] ??= {})[key.group] ??= { keys: [] });
    group.keys.push({
      [key.key]: {
        condition: key.condition ? key.condition.replace('-', ' ') : '',
        defaultdesc: key.default ?? '',
        liveupdate: key.live ? 'yes' : 'no',
        longdesc: `${key.short} Value: ${describeType(key.type)}.`,
        required: key.required ? 'yes' : 'no',
        scope: 'global',
        shortdesc: key.short,
        type: apiType(key.type),
      },
    });
  }
  return { configs };
}
