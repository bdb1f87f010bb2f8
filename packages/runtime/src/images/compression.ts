import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import { spawnProcess } from '../host/run.ts';

export type ArchiveFormat = 'tar' | 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'squashfs' | 'qcow2';

/** By its first bytes; names and headers of a request say nothing. Null when it is none that is known. */
export function detectFormat(head: Buffer): ArchiveFormat | null {
  const starts = (bytes: number[]) => head.subarray(0, bytes.length).equals(Buffer.from(bytes));
  if (starts([0x1f, 0x8b])) return 'gzip';
  if (starts([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return 'xz';
  if (starts([0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  if (starts([0x42, 0x5a, 0x68])) return 'bzip2';
  if (starts([0x68, 0x73, 0x71, 0x73])) return 'squashfs';
  if (starts([0x51, 0x46, 0x49, 0xfb])) return 'qcow2';
  if (head.toString('latin1', 257, 262) === 'ustar') return 'tar';
  return null;
}

export async function readFormat(path: string): Promise<ArchiveFormat | null> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(512);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return detectFormat(head.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** Memory of a decompressor is bounded, as a hostile header may ask for gigabytes of window. */
const decompressors: Record<'gzip' | 'xz' | 'zstd' | 'bzip2', [string, string[]]> = {
  gzip: ['gzip', ['-dc']],
  xz: ['xz', ['-dc', '--memlimit-decompress=1GiB']],
  zstd: ['zstd', ['-dcq', '--memory=1024MB']],
  bzip2: ['bzip2', ['-dc']],
};

export interface DecompressOptions {
  signal?: AbortSignal;
  /** Called with how many bytes of the file have been read. */
  onRead?: (bytes: number) => void;
}

/**
 * The uncompressed bytes of an archive. The decompressor gets nothing but two pipes, and runs as nobody: a hole in it opens onto nothing.
 * Leaving the loop early ends it.
 */
export async function* decompress(
  path: string,
  format: ArchiveFormat,
  options: DecompressOptions = {},
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1024 * 1024 });
  file.on('data', () => options.onRead?.(file.bytesRead));
  if (format === 'tar') {
    try {
      for await (const chunk of file) {
        options.signal?.throwIfAborted();
        yield chunk as Buffer;
      }
    } finally {
      file.destroy();
    }
    return;
  }
  if (format === 'squashfs' || format === 'qcow2')
    throw new DomainError('invalid', `The image is a ${format} file where a tar archive belongs`);
  const [program, args] = decompressors[format];
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const child = spawnProcess(program, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', ...nobody });
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new DomainError('internal', `Cannot run ${program}`);
  const closed = once(child, 'close') as Promise<[number | null]>;
  closed.catch(() => undefined);
  let said = '';
  stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4096)));
  stdin.on('error', () => undefined); // it may end before it has read everything
  file.on('error', () => child.kill('SIGKILL'));
  file.pipe(stdin);
  const abort = () => child.kill('SIGKILL');
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    options.signal?.throwIfAborted();
    for await (const chunk of stdout) yield chunk as Buffer;
    const [code] = await closed;
    options.signal?.throwIfAborted();
    if (code !== 0)
      throw new DomainError(
        'invalid',
        `The image is damaged: ${program} cannot unpack it${said ? ` (${said.trim().split('\n').at(-1)})` : ''}`,
      );
  } finally {
    options.signal?.removeEventListener('abort', abort);
    file.destroy();
    child.kill('SIGKILL');
    await closed.catch(() => undefined);
  }
}
