import { DomainError } from '@stapes/contract/errors';
import { truncated, type ByteSource } from './byte-source.ts';
import { blockSize, printable, type TarMember } from './member.ts';
import { parsePaxRecords } from './pax.ts';

const maxExtensionBytes = 1024 * 1024;
const maxId = 0xfffffffe;

const types: Record<string, TarMember['type']> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** What an extension header says about the member after it. */
interface Extension {
  name?: string;
  linkTarget?: string;
  records: Map<string, Buffer>;
}

/**
 * Reads ustar, pax and GNU (long names) archives strictly: what is not understood is refused, never guessed at. Sparse members are refused.
 * The caller must read or skip each member's content before it asks for the next.
 */
export class TarReader {
  private readonly source: ByteSource;
  private left = 0;
  private padding = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  async next(): Promise<TarMember | null> {
    await this.skipContent();
    const extension: Extension = { records: new Map() };
    for (let extensions = 0; extensions < 16; extensions++) {
      const header = await this.source.exactly(blockSize);
      if (!header) throw truncated();
      if (header.every((byte) => byte === 0)) return this.end();
      verifyChecksum(header);
      const type = String.fromCharCode(header[156] ?? 0);
      if (!'xgLK'.includes(type) || type === '') return this.member(header, type, extension);
      await this.extension(header, type, extension);
    }
    throw new DomainError('invalid', 'The archive has too many extension headers in a row');
  }

  /** A chunk of the current member's content; null at its end. */
  async content(): Promise<Buffer | null> {
    if (this.left === 0) return null;
    const part = await this.source.some(this.left);
    if (!part) throw truncated();
    this.left -= part.length;
    return part;
  }

  /** The whole content, when it is no longer than this. */
  async contentWithin(maxBytes: number, what: string): Promise<Buffer> {
    if (this.left > maxBytes)
      throw new DomainError('too-large', `${what} has ${this.left} bytes; the most is ${maxBytes}`);
    const bytes = this.left === 0 ? Buffer.alloc(0) : await this.source.exactly(this.left);
    if (!bytes) throw truncated();
    this.left = 0;
    return bytes;
  }

  private async skipContent(): Promise<void> {
    await this.source.skip(this.left + this.padding);
    this.left = 0;
    this.padding = 0;
  }

  /** One zero block ends the archive for us, and all after it must be zero: nothing may hide behind the end that other readers stop at. */
  private async end(): Promise<null> {
    for (;;) {
      const part = await this.source.some(65536);
      if (!part) return null;
      if (!part.every((byte) => byte === 0))
        throw new DomainError('invalid', 'There is data after the end of the archive');
    }
  }

  private async extension(header: Buffer, type: string, into: Extension): Promise<void> {
    const size = parseNumber(header, 124, 12, 'size');
    if (size > maxExtensionBytes)
      throw new DomainError('too-large', `An extension header of the archive has ${size} bytes`);
    const bytes = size === 0 ? Buffer.alloc(0) : await this.source.exactly(size);
    if (!bytes) throw truncated();
    await this.source.skip((blockSize - (size % blockSize)) % blockSize);
    if (type === 'L') into.name = cString(bytes);
    else if (type === 'K') into.linkTarget = cString(bytes);
    else if (type === 'x') into.records = parsePaxRecords(bytes);
    else refuseGlobal(parsePaxRecords(bytes));
  }

  private member(header: Buffer, typeFlag: string, extension: Extension): TarMember {
    const { records } = extension;
    const type = types[typeFlag];
    const name = text(records, 'path') ?? extension.name ?? headerName(header);
    if (!type)
      throw new DomainError(
        'invalid',
        `The member "${printable(name)}" is of a kind (${printable(typeFlag)}) that is not taken`,
      );
    for (const key of records.keys()) {
      if (key.startsWith('GNU.sparse.'))
        throw new DomainError('invalid', `The member "${printable(name)}" is sparse: pack the image without --sparse`);
    }
    const said = number(records, 'size') ?? parseNumber(header, 124, 12, 'size');
    // Old archives give a hard link the size of its target, without content.
    const size = type === 'file' ? said : 0;
    if (type !== 'file' && type !== 'hardlink' && said !== 0) {
      throw new DomainError('invalid', `The member "${printable(name)}" has content although it is no file`);
    }
    if (type === 'hardlink' && said !== 0)
      throw new DomainError('invalid', `The hard link "${printable(name)}" has content`);
    this.left = size;
    this.padding = (blockSize - (size % blockSize)) % blockSize;
    const member: TarMember = {
      type: type === 'file' && name.endsWith('/') ? 'directory' : type,
      name,
      linkTarget: text(records, 'linkpath') ?? extension.linkTarget ?? cString(header.subarray(157, 257)),
      mode: parseNumber(header, 100, 8, 'mode') & 0o7777,
      uid: number(records, 'uid') ?? parseNumber(header, 108, 8, 'uid'),
      gid: number(records, 'gid') ?? parseNumber(header, 116, 8, 'gid'),
      size,
      mtime: mtime(header, records),
      attributes: new Map(
        [...records].filter(([key]) => key.startsWith('SCHILY.xattr.') || key.startsWith('SCHILY.acl.')),
      ),
    };
    if (member.uid > maxId || member.gid > maxId)
      throw new DomainError('invalid', `The owner of "${printable(name)}" is out of range`);
    if (member.type === 'directory' && size !== 0)
      throw new DomainError('invalid', `The directory "${printable(name)}" has content`);
    return member;
  }
}

function refuseGlobal(records: Map<string, Buffer>): void {
  for (const key of records.keys()) {
    if (key !== 'comment')
      throw new DomainError('invalid', `The archive has a global header with "${printable(key)}", which is not taken`);
  }
}

function verifyChecksum(header: Buffer): void {
  let sum = 0;
  for (let index = 0; index < blockSize; index++) sum += index >= 148 && index < 156 ? 0x20 : (header[index] ?? 0);
  if (sum !== parseNumber(header, 148, 8, 'checksum'))
    throw new DomainError('invalid', 'This is not a tar archive, or it is damaged (wrong checksum)');
}

function headerName(header: Buffer): string {
  const name = cString(header.subarray(0, 100));
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? cString(header.subarray(345, 500)) : '';
  return prefix ? `${prefix}/${name}` : name;
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}

/** Octal, or GNU's base 256 for what does not fit; negative and too large ones are refused. */
function parseNumber(header: Buffer, offset: number, length: number, what: string): number {
  const field = header.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  let value: number;
  if (first === 0x80) {
    value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  } else {
    const digits = field
      .toString('latin1')
      .replace(/[\0 ]+$/, '')
      .replace(/^ +/, '');
    if (!/^[0-7]*$/.test(digits))
      throw new DomainError('invalid', `The archive is damaged: a member's ${what} is not a number`);
    value = digits === '' ? 0 : parseInt(digits, 8);
  }
  if (!Number.isSafeInteger(value))
    throw new DomainError('invalid', `The archive is damaged: a member's ${what} is out of range`);
  return value;
}

function text(records: Map<string, Buffer>, key: string): string | undefined {
  const value = records.get(key)?.toString('latin1');
  if (value?.includes('\0')) throw new DomainError('invalid', `The archive is damaged: a ${key} has a zero byte`);
  return value;
}

function number(records: Map<string, Buffer>, key: string): number | undefined {
  const value = records.get(key)?.toString('latin1');
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new DomainError('invalid', `The archive is damaged: a ${key} is not a number`);
  return Number(value);
}

/** Times are for show only, so that odd ones (before the epoch, or beyond what file systems take) become the epoch. */
function mtime(header: Buffer, records: Map<string, Buffer>): string {
  const said = records.get('mtime')?.toString('latin1');
  if (said !== undefined) return /^\d{1,10}(?:\.\d{1,9})?$/.test(said) ? said : '0';
  if ((header[136] ?? 0) & 0x80) return '0';
  const seconds = String(parseNumber(header, 136, 12, 'time'));
  return seconds.length > 10 ? '0' : seconds;
}
