import type { InstanceFull } from '@stapes/contract/instance';

/**
 * Language of the search field: words and `field:value` parted by spaces, all of which must hold. `-` in front negates, `a,b` means one of them,
 * quotes keep spaces together. `user.owner:ann` and any other configuration key work as fields too.
 */
export interface SearchTerm {
  /** Null searches name, description, addresses and image. */
  field: string | null;
  /** Lower case; one of them must match. Empty: the field has any value. */
  values: string[];
  negated: boolean;
}

const tokenPattern = /(-?)(?:([A-Za-z][\w.-]*):)?(?:"([^"]*)"?|(\S*))(?:\s+|$)/gy;

export function parseSearch(text: string): SearchTerm[] {
  const terms: SearchTerm[] = [];
  const source = text.trim();
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < source.length) {
    const match = tokenPattern.exec(source);
    if (!match) break;
    const [, minus, name, quoted, plain] = match;
    // `fd42::1` is an address, not a field.
    const isAddress = plain?.startsWith(':') ?? false;
    const field = isAddress ? undefined : name;
    const value = (isAddress ? `${name ?? ''}:${plain}` : (quoted ?? plain ?? '')).toLowerCase();
    if (field === undefined && value === '') continue;
    const values = quoted !== undefined ? [value] : value.split(',').filter((one) => one !== '');
    terms.push({ field: field?.toLowerCase() ?? null, values, negated: minus === '-' });
  }
  return terms;
}

export function addressesOf(instance: InstanceFull, family: 'inet' | 'inet6'): string[] {
  return Object.entries(instance.state?.network ?? {})
    .filter(([nic]) => nic !== 'lo')
    .flatMap(([, nic]) =>
      nic.addresses.filter((one) => one.family === family && one.scope === 'global').map((one) => one.address),
    );
}

/** `Debian 12`, from what the image said about itself. */
export function imageOf(instance: InstanceFull): string {
  const config = instance.expanded_config;
  const text = [config['image.os'], config['image.release']].filter(Boolean).join(' ');
  return text || config['image.description'] || (config['volatile.base_image'] ?? '').slice(0, 12);
}

export function poolOf(instance: InstanceFull): string {
  return (
    Object.values(instance.expanded_devices).find((device) => device.type === 'disk' && device.path === '/')?.pool ?? ''
  );
}
function networksOf(instance: InstanceFull): string[] {
  return Object.values(instance.expanded_devices).flatMap((device) =>
    device.type === 'nic' ? [device.network ?? device.parent ?? ''] : [],
  );
}

type Reader = (instance: InstanceFull) => string[];
const addresses: Reader = (instance) => [...addressesOf(instance, 'inet'), ...addressesOf(instance, 'inet6')];
/** How a field is read and compared: `part` anywhere in the text, `start` at its start, `whole` all of it. */
const fields: Record<string, { read: Reader; compare: 'part' | 'start' | 'whole' }> = {
  name: { read: (instance) => [instance.name], compare: 'part' },
  description: { read: (instance) => [instance.description], compare: 'part' },
  status: { read: (instance) => [instance.status], compare: 'start' },
  type: { read: (instance) => [instance.type], compare: 'start' },
  image: { read: (instance) => [imageOf(instance)], compare: 'part' },
  os: { read: (instance) => [instance.expanded_config['image.os'] ?? ''], compare: 'part' },
  ip: { read: addresses, compare: 'start' },
  ipv4: { read: (instance) => addressesOf(instance, 'inet'), compare: 'start' },
  ipv6: { read: (instance) => addressesOf(instance, 'inet6'), compare: 'start' },
  profile: { read: (instance) => instance.profiles, compare: 'whole' },
  pool: { read: (instance) => [poolOf(instance)], compare: 'whole' },
  network: { read: networksOf, compare: 'whole' },
  ephemeral: { read: (instance) => [instance.ephemeral ? 'yes' : 'no'], compare: 'start' },
  snapshots: { read: (instance) => [String(instance.snapshots?.length ?? 0)], compare: 'whole' },
};
export const searchFields: readonly string[] = Object.keys(fields);

const compares = {
  part: (text: string, value: string) => text.includes(value),
  start: (text: string, value: string) => text.startsWith(value),
  whole: (text: string, value: string) => text === value,
};

function holds(instance: InstanceFull, term: SearchTerm): boolean {
  if (term.field === null) {
    const texts = [instance.name, instance.description, imageOf(instance), ...addresses(instance)].map((text) =>
      text.toLowerCase(),
    );
    return term.values.some((value) => texts.some((text) => text.includes(value)));
  }
  const known = Object.hasOwn(fields, term.field) ? fields[term.field] : undefined;
  const texts = known ? known.read(instance) : configTexts(instance, term.field);
  if (term.values.length === 0) return texts.some((text) => text !== '');
  const compare = compares[known?.compare ?? 'part'];
  return texts.some((text) => term.values.some((value) => compare(text.toLowerCase(), value)));
}

function configTexts(instance: InstanceFull, key: string): string[] {
  const value = Object.hasOwn(instance.expanded_config, key) ? instance.expanded_config[key] : undefined;
  return value === undefined ? [] : [value];
}

export function matches(instance: InstanceFull, terms: readonly SearchTerm[]): boolean {
  return terms.every((term) => holds(instance, term) !== term.negated);
}

/** Fields of the search that are neither ours nor look like a configuration key. */
export function unknownFields(terms: readonly SearchTerm[]): string[] {
  return terms.flatMap((term) =>
    term.field !== null && !Object.hasOwn(fields, term.field) && !term.field.includes('.') ? [term.field] : [],
  );
}
