import { createWriteStream } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DomainError, isDomainError } from '@stapes/contract/errors';
import busboy from 'busboy';
import { dialectHeader } from './headers.ts';

/** Names that we choose for the parts; what a client calls its files never reaches the disk. */
const metadataFile = 'metadata';
const rootfsFile = 'rootfs';

export interface UploadedFiles {
  metadataFile: string;
  rootfsFile: string | null;
}

/** Counts the bytes of all parts of one upload, and fails the stream that passes the limit. */
function limiter(maxBytes: number): () => Transform {
  let total = 0;
  return () =>
    new Transform({
      transform(chunk: Buffer, _encoding, next) {
        total += chunk.length;
        if (total > maxBytes) next(new DomainError('too-large', `An image upload has at most ${maxBytes} bytes here`));
        else next(null, chunk);
      },
    });
}

function store(stream: Readable, limit: Transform, path: string): Promise<void> {
  return pipeline(stream, limit, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
}

/** Streams a raw or multipart upload into the directory. Back-pressure reaches the client; memory stays flat. */
export async function receiveUpload(
  body: Readable,
  headers: IncomingHttpHeaders,
  target: { directory: string; maxBytes: number },
): Promise<UploadedFiles> {
  const limit = limiter(target.maxBytes);
  if (!/^multipart\/form-data\s*;/i.test(headers['content-type'] ?? '')) {
    await store(body, limit(), join(target.directory, metadataFile));
    return { metadataFile, rootfsFile: null };
  }
  return receiveParts(body, headers, { directory: target.directory, limit });
}

async function receiveParts(
  body: Readable,
  headers: IncomingHttpHeaders,
  target: { directory: string; limit: () => Transform },
): Promise<UploadedFiles> {
  const parser = parserOf(headers);
  const parts = new Set<string>();
  const writes: Promise<void>[] = [];
  parser.on('file', (name, stream) => {
    const refusal = refusalOf(name, parts.size);
    if (refusal) {
      // The parser ends this part with the same error; it has nobody else to hear it.
      stream.on('error', () => undefined).resume();
      parser.destroy(refusal);
      return;
    }
    parts.add(name);
    const write = store(
      stream,
      target.limit(),
      join(target.directory, name === 'metadata' ? metadataFile : rootfsFile),
    );
    write.catch((error: unknown) => parser.destroy(error as Error));
    writes.push(write);
  });
  try {
    await pipeline(body, parser);
    await Promise.all(writes);
  } catch (error) {
    await Promise.allSettled(writes);
    throw isDomainError(error)
      ? error
      : new DomainError('invalid', 'The upload ended early or is malformed', { cause: error });
  }
  if (!parts.has('metadata')) throw new DomainError('invalid', 'The upload holds no part "metadata"');
  return { metadataFile, rootfsFile: parts.has('rootfs') ? rootfsFile : null };
}

/** The first part is the metadata, the second the root file system; `rootfs.img` is the disk of a virtual machine. */
function refusalOf(name: string, partsBefore: number): DomainError | null {
  const wanted = partsBefore === 0 ? ['metadata'] : partsBefore === 1 ? ['rootfs', 'rootfs.img'] : [];
  if (!wanted.includes(name)) {
    return new DomainError('invalid', 'An upload has the parts "metadata" and "rootfs", in this order');
  }
  if (name !== 'rootfs.img') return null;
  return new DomainError('unsupported', 'Images of virtual machines are not supported by this server yet');
}

function parserOf(headers: IncomingHttpHeaders): busboy.Busboy {
  try {
    return busboy({ headers, limits: { files: 3, fields: 0, parts: 4, headerPairs: 32 } });
  } catch (cause) {
    throw new DomainError('invalid', 'The upload has no usable boundary', { cause });
  }
}

export interface UploadOptions {
  fingerprint?: string;
  filename?: string;
  public?: boolean;
  properties?: Record<string, string>;
  aliases?: { name: string; description?: string }[];
}

/** What the headers say of an uploaded image. Properties and aliases are query strings. */
export function uploadOptionsOf(headers: IncomingHttpHeaders): UploadOptions {
  const options: UploadOptions = {};
  const fingerprint = dialectHeader(headers, 'fingerprint');
  const filename = dialectHeader(headers, 'filename');
  const properties = dialectHeader(headers, 'properties');
  const aliases = dialectHeader(headers, 'aliases');
  if (fingerprint) options.fingerprint = fingerprint;
  if (filename) options.filename = filename;
  if (['true', '1'].includes(dialectHeader(headers, 'public') ?? '')) options.public = true;
  if (properties) options.properties = Object.fromEntries(new URLSearchParams(properties));
  if (aliases) options.aliases = new URLSearchParams(aliases).getAll('alias').map((name) => ({ name }));
  return options;
}
