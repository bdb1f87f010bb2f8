import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { contentDisposition, rawHeaders } from './headers.ts';
import type { Answer } from './route.ts';

export interface ExportFile {
  filename: string;
  path: string;
  sizeBytes: number;
  part: 'metadata' | 'rootfs' | 'rootfs.img';
}

/** One file as it is, two as multipart; both with their whole length ahead. */
export function exportAnswer(files: readonly ExportFile[]): Answer {
  const [first, second] = files;
  if (first && !second) {
    return {
      kind: 'raw',
      headers: {
        ...rawHeaders(),
        'Content-Disposition': contentDisposition(first.filename),
        'Content-Length': String(first.sizeBytes),
      },
      body: createReadStream(first.path),
    };
  }
  const boundary = randomBytes(24).toString('hex');
  const heads = files.map((file) =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: ${contentDisposition(file.filename).replace('attachment;', `form-data; name="${file.part}";`)}\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    ),
  );
  const tail = Buffer.from(`--${boundary}--\r\n`);
  const length = files.reduce(
    (sum, file, index) => sum + (heads[index]?.length ?? 0) + file.sizeBytes + 2,
    tail.length,
  );
  async function* chunks(): AsyncGenerator<Buffer> {
    for (const [index, file] of files.entries()) {
      yield heads[index] ?? Buffer.alloc(0);
      yield* createReadStream(file.path) as AsyncIterable<Buffer>;
      yield Buffer.from('\r\n');
    }
    yield tail;
  }
  return {
    kind: 'raw',
    headers: { ...rawHeaders(`multipart/form-data; boundary=${boundary}`), 'Content-Length': String(length) },
    body: Readable.from(chunks(), { objectMode: false }),
  };
}
