import { DomainError } from '@stapes/contract/errors';

/** One line of an lxc.conf. */
export interface ConfEntry {
  key: string;
  value: string;
}

const keyPattern = /^lxc(\.[a-z0-9_]+)+$/;
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * The only writer of lxc.conf. The format is line based and has no escapes, so a value with a line break would become a second setting:
 * every control character is refused. LXC trims spaces around a value and takes off one pair of quotes, so values that have such get a pair.
 */
export function serializeConf(entries: readonly ConfEntry[]): string {
  return entries.map(serializeEntry).join('');
}

function serializeEntry({ key, value }: ConfEntry): string {
  if (!keyPattern.test(key))
    throw new DomainError('invalid', `"${key.replace(control, '?')}" is not a name of an LXC setting`);
  if (control.test(value))
    throw new DomainError('invalid', `The value for ${key} contains a line break or another control character`, {
      details: { field: key },
    });
  if (/[\ud800-\udfff]/u.test(value))
    throw new DomainError('invalid', `The value for ${key} is not valid Unicode`, { details: { field: key } });
  if (Buffer.byteLength(value) > 65536)
    throw new DomainError('too-large', `The value for ${key} is longer than 64 KiB`, { details: { field: key } });
  return `${key} = ${quoted(value)}\n`;
}

function quoted(value: string): string {
  return /^ | $/.test(value) || /^(["']).*\1$/s.test(value) || value === '"' ? `"${value}"` : value;
}

/** A path for a mount entry or option list: fstab's escape for space; comma cannot be written in an option, so callers keep paths out of options. */
export function escapeMountPath(path: string): string {
  return path.replaceAll('\\', '\\134').replaceAll(' ', '\\040').replaceAll('#', '\\043');
}
