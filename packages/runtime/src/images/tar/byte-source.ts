import { DomainError } from '@stapes/contract/errors';

/** Pulls exact numbers of bytes from a stream of chunks, with a limit on all that is ever read. */
export class ByteSource {
  private readonly iterator: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);
  private total = 0;
  private readonly maxBytes: number;

  constructor(chunks: AsyncIterable<Buffer>, maxBytes: number) {
    this.iterator = chunks[Symbol.asyncIterator]();
    this.maxBytes = maxBytes;
  }

  /** Bytes taken from the stream so far. */
  get bytesRead(): number {
    return this.total;
  }

  private async pull(): Promise<Buffer | null> {
    const next = await this.iterator.next();
    if (next.done) return null;
    this.total += next.value.length;
    if (this.total > this.maxBytes) {
      throw new DomainError('too-large', `The archive unpacks to more than ${this.maxBytes} bytes`);
    }
    return next.value;
  }

  /** The next bytes, at most `count`, as they come; null at the end. */
  async some(count: number): Promise<Buffer | null> {
    while (this.rest.length === 0) {
      const chunk = await this.pull();
      if (!chunk) return null;
      this.rest = chunk;
    }
    const part = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(part.length);
    return part;
  }

  /** Exactly `count` bytes, or null when the stream has ended before the first of them. */
  async exactly(count: number): Promise<Buffer | null> {
    if (this.rest.length >= count) {
      const part = this.rest.subarray(0, count);
      this.rest = this.rest.subarray(count);
      return part;
    }
    const parts: Buffer[] = [];
    let have = 0;
    while (have < count) {
      const part = await this.some(count - have);
      if (!part) {
        if (have === 0) return null;
        throw truncated();
      }
      parts.push(part);
      have += part.length;
    }
    return Buffer.concat(parts, count);
  }

  /** Ends where the bytes come from (a decompressor), whether all were read or not. */
  async close(): Promise<void> {
    await this.iterator.return?.();
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      if (!part) throw truncated();
      left -= part.length;
    }
  }
}

export function truncated(): DomainError {
  return new DomainError('invalid', 'The archive is truncated: it ends in the middle of a member');
}
