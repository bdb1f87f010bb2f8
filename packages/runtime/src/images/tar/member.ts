/**
 * One member of a tar archive. Names and link targets are byte strings in latin1 (file names are bytes, and must come out as they went in).
 */
export interface TarMember {
  type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';
  name: string;
  linkTarget: string;
  /** Permission bits, set-id bits included. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of content that follow; 0 unless a file. */
  size: number;
  /** Seconds since the epoch as a decimal, with a fraction if there is one. */
  mtime: string;
  /** Pax records `SCHILY.xattr.*` and `SCHILY.acl.*`, by their full key. */
  attributes: Map<string, Buffer>;
}

export const blockSize = 512;

/** For people: bytes that are not printable are shown as `?`. */
export function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
