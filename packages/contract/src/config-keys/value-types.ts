import { hasControlCharacter } from '../names.ts';
import { parseBits, parseBytes, parsePercent } from '../units.ts';
import type { ValueType } from './declare.ts';
import { checkCpu } from './value-checks.ts';

const defaultMaxLength = 4096;
const multilineMaxLength = 1024 * 1024;

function checkString(type: ValueType & { kind: 'string' }, value: string): string | null {
  const limit = type.maxLength ?? (type.multiline ? multilineMaxLength : defaultMaxLength);
  if (value.length > limit) return `Give at most ${limit} characters`;
  if (type.pattern && !type.pattern.test(value))
    return type.patternHint ?? 'The value does not have the form that this key takes';
  return null;
}

function checkInteger(type: ValueType & { kind: 'integer' }, value: string): string | null {
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : NaN;
  const { min, max } = type;
  if (Number.isInteger(number) && number >= (min ?? -Infinity) && number <= (max ?? Infinity)) return null;
  if (min !== undefined && max !== undefined) return `Give a whole number from ${min} to ${max}`;
  return min === undefined ? 'Give a whole number' : `Give a whole number of at least ${min}`;
}

function checkList(type: ValueType & { kind: 'list' }, value: string): string | null {
  const items = value.split(type.separator).map((item) => item.trim());
  const wrong = items.find((item) => item === '' || (type.item !== undefined && !type.item.test(item)));
  return wrong === undefined ? null : (type.itemHint ?? `"${wrong}" is not a value of this list`);
}

/** What is wrong with a value of a type, as a sentence, or null. Line breaks and tabs are for multiline text only; other control characters for nothing. */
export function checkValueOfType(type: ValueType, value: string): string | null {
  const multiline = type.kind === 'string' && type.multiline === true;
  const visible = multiline ? value.replaceAll(/[\n\r\t]/g, '') : value;
  if (hasControlCharacter(visible)) {
    return multiline
      ? 'Control characters are not allowed'
      : 'Line breaks and other control characters are not allowed';
  }
  switch (type.kind) {
    case 'bool':
      return /^(true|false|1|0|yes|no|on|off)$/i.test(value) ? null : 'Give true or false';
    case 'integer':
      return checkInteger(type, value);
    case 'string':
      return checkString(type, value);
    case 'enum':
      return type.values.includes(value) ? null : `Give one of ${type.values.join(', ')}`;
    case 'bytes':
      if (type.percent && parsePercent(value) !== null) return null;
      return parseBytes(value) === null
        ? `Give a size such as 512MiB${type.percent ? ' or a percentage such as 50%' : ''}`
        : null;
    case 'bits':
      return parseBits(value) === null ? 'Give a rate such as 100Mbit' : null;
    case 'cpu':
      return checkCpu(value);
    case 'list':
      return checkList(type, value);
    case 'custom':
      return value.length > defaultMaxLength ? `Give at most ${defaultMaxLength} characters` : type.check(value);
  }
}
