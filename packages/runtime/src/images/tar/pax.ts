import { DomainError } from '@stapes/contract/errors';

/** Records `LENGTH KEY=VALUE\n` of a pax header; a key that comes twice is refused, as readers differ in which one they take. */
export function parsePaxRecords(bytes: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  let offset = 0;
  while (offset < bytes.length) {
    const space = bytes.indexOf(0x20, offset);
    const digits = space < 0 ? '' : bytes.toString('latin1', offset, space);
    const length = /^[1-9]\d{0,7}$/.test(digits) ? Number(digits) : 0;
    const end = offset + length;
    const equals = bytes.indexOf(0x3d, space + 1);
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a || equals < 0 || equals >= end) throw damaged();
    const key = bytes.toString('latin1', space + 1, equals);
    if (key === '' || records.has(key)) throw damaged();
    records.set(key, Buffer.from(bytes.subarray(equals + 1, end - 1)));
    offset = end;
  }
  return records;
}

export function formatPaxRecord(key: string, value: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  // The length counts its own digits.
  let length = body.length + String(body.length).length;
  if (String(length).length !== String(body.length).length) length = body.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function damaged(): DomainError {
  return new DomainError('invalid', 'The archive is damaged: an extension header cannot be read');
}
