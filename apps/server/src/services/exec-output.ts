import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { ServerConfig } from '../config.ts';

/** A guest decides how much it prints, so the host decides how much of that it keeps. */
export const outputLimits = {
  /** Of each of stdout and stderr; the rest is read and dropped, so that the command goes on. */
  streamBytes: 16 * 1024 * 1024,
  /** Of all recordings of an instance when another begins; the oldest go first. */
  instanceBytes: 256 * 1024 * 1024,
  instanceFiles: 200,
};
export type OutputLimits = typeof outputLimits;

/** Recorded output of commands; never inside a tree that an image unpacks into. */
export function execOutputDirectory(config: ServerConfig, instanceId: string): string {
  return join(config.stateDir, 'exec-output', instanceId);
}

export async function removeExecOutput(config: ServerConfig, instanceId: string): Promise<void> {
  await rm(execOutputDirectory(config, instanceId), { recursive: true, force: true });
}

export interface Recording {
  name: string;
  isTruncated(): boolean;
  /** Takes all of a stream, and keeps its beginning. `onFailure` is called when that cannot be written. */
  follow(stream: NodeJS.ReadableStream, onFailure: () => void): void;
  /** Ends it: throws `no-space` or what else kept it from being written. */
  finish(): Promise<void>;
}

/** Files for stdout and stderr of one command. */
export async function openRecordings(directory: string, limits: OutputLimits = outputLimits): Promise<Recording[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await makeRoom(directory, limits);
  const base = `exec_${randomUUID()}`;
  const recordings: Recording[] = [];
  for (const name of [`${base}.stdout`, `${base}.stderr`])
    recordings.push(recording(name, await open(join(directory, name), 'wx', 0o600), limits.streamBytes));
  return recordings;
}

function recording(name: string, file: FileHandle, maxBytes: number): Recording {
  let left = maxBytes;
  let truncated = false;
  let failure: unknown = null;
  let writing: Promise<void> = Promise.resolve();
  const keep = async (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
  };
  return {
    name,
    isTruncated: () => truncated,
    follow(stream, onFailure) {
      stream.on('error', () => undefined);
      stream.on('data', (data: Buffer) => {
        if (data.length > left) truncated = true;
        const chunk = data.subarray(0, left);
        left -= chunk.length;
        if (chunk.length === 0 || failure) return;
        stream.pause();
        writing = writing
          .then(() => keep(chunk))
          .catch((error: unknown) => {
            failure ??= error;
            onFailure();
          })
          .finally(() => void stream.resume());
      });
    },
    async finish() {
      await writing;
      await file.close();
      if (failure) throw explain(failure);
    },
  };
}

function explain(cause: unknown): DomainError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new DomainError('no-space', 'The output could not be recorded: the disk of the server is full', { cause });
  return new DomainError('internal', `The output could not be recorded: ${String(cause)}`, { cause });
}

async function makeRoom(directory: string, limits: OutputLimits): Promise<void> {
  const files = [];
  for (const name of await readdir(directory)) {
    const found = await stat(join(directory, name)).catch(() => null);
    if (found) files.push({ name, bytes: found.size, atMs: found.mtimeMs });
  }
  files.sort((one, other) => other.atMs - one.atMs);
  let bytes = 2 * limits.streamBytes;
  let count = 2;
  for (const file of files) {
    bytes += file.bytes;
    count += 1;
    if (bytes > limits.instanceBytes || count > limits.instanceFiles)
      await rm(join(directory, file.name), { force: true });
  }
}
