import { blockSize, type TarMember } from './member.ts';
import { formatPaxRecord } from './pax.ts';

/** Header blocks of a member, in one canonical form: ustar, with a pax header before it for all that ustar cannot say. */
export function formatHeader(member: TarMember): Buffer {
  const records: Buffer[] = [];
  const name = Buffer.from(member.type === 'directory' ? `${member.name}/` : member.name, 'latin1');
  const link = Buffer.from(member.linkTarget, 'latin1');
  if (name.length > 100) records.push(formatPaxRecord('path', name));
  if (link.length > 100) records.push(formatPaxRecord('linkpath', link));
  if (member.size > 0o77777777777) records.push(formatPaxRecord('size', Buffer.from(String(member.size))));
  if (member.uid > 0o7777777) records.push(formatPaxRecord('uid', Buffer.from(String(member.uid))));
  if (member.gid > 0o7777777) records.push(formatPaxRecord('gid', Buffer.from(String(member.gid))));
  if (member.mtime.includes('.') || Number(member.mtime) > 0o77777777777) {
    records.push(formatPaxRecord('mtime', Buffer.from(member.mtime)));
  }
  for (const [key, value] of member.attributes) records.push(formatPaxRecord(key, value));
  const header = block(member, name, link);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const pax: TarMember = { ...member, type: 'file', size: body.length, mode: 0o644, uid: 0, gid: 0, mtime: '0' };
  const paxHeader = block(pax, Buffer.from('pax'), Buffer.alloc(0), 'x');
  return Buffer.concat([paxHeader, body, zeros(body.length), header]);
}

/** Zero bytes that fill up the last block of a content of this length. */
export function zeros(contentBytes: number): Buffer {
  return Buffer.alloc((blockSize - (contentBytes % blockSize)) % blockSize);
}

export const endOfArchive = Buffer.alloc(2 * blockSize);

const flags: Record<TarMember['type'], string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

function block(member: TarMember, name: Buffer, link: Buffer, flag: string = flags[member.type]): Buffer {
  const header = Buffer.alloc(blockSize);
  name.copy(header, 0, 0, 100);
  octal(header, 100, 8, member.mode);
  octal(header, 108, 8, member.uid > 0o7777777 ? 0 : member.uid);
  octal(header, 116, 8, member.gid > 0o7777777 ? 0 : member.gid);
  octal(header, 124, 12, member.size > 0o77777777777 ? 0 : member.size);
  octal(header, 136, 12, Math.min(Math.floor(Number(member.mtime)), 0o77777777777));
  header.fill(0x20, 148, 156);
  header.write(flag, 156, 'latin1');
  link.copy(header, 157, 0, 100);
  header.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function octal(header: Buffer, offset: number, length: number, value: number): void {
  header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
}
