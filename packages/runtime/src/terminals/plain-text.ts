/**
 * Which bytes only print and move on: no escape sequence, nothing that changes a mode of the terminal. 0xC2 is left out because it leads the C1
 * controls (U+009B is a CSI).
 */
const isPlain = new Uint8Array(256);
for (let byte = 0x20; byte < 0x7f; byte++) isPlain[byte] = 1;
for (let byte = 0x80; byte < 0x100; byte++) isPlain[byte] = 1;
for (const byte of [0x09, 0x0a, 0x0d]) isPlain[byte] = 1;
isPlain[0xc2] = 0;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Length of the plain start of some bytes. */
export function plainLength(bytes: Uint8Array): number {
  let index = 0;
  while (index < bytes.length && isPlain[bytes[index] ?? 0] === 1) index++;
  return index;
}

/**
 * Offset at which plain text that prints the same last `lines` lines may begin: right after a CR LF, so at the first column. 0 when there are not so many.
 */
export function tailOffset(bytes: Uint8Array, lines: number): number {
  let left = lines;
  for (let index = bytes.length - 1; index > 0; index--) {
    if (bytes[index] !== lineFeed) continue;
    if (left > 0) left--;
    else if (bytes[index - 1] === carriageReturn) return index + 1;
  }
  return 0;
}

/**
 * The bytes at the end that a parser holds back because more has to come: an escape sequence that has begun, or part of a UTF-8 character. `recent` are
 * the last bytes that it was given.
 */
export function unfinishedTail(recent: Buffer, isInSequence: boolean): Buffer {
  if (isInSequence) {
    const start = recent.lastIndexOf(0x1b);
    return start < 0 ? Buffer.alloc(0) : recent.subarray(start);
  }
  for (let length = 1; length <= Math.min(3, recent.length); length++) {
    const byte = recent[recent.length - length] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue; // goes on a character
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length < wanted ? recent.subarray(recent.length - length) : Buffer.alloc(0);
  }
  return Buffer.alloc(0);
}
