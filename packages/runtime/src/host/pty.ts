import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { spawn, type IPty } from '@lydell/node-pty';
import { DomainError } from '@stapes/contract/errors';

export interface PtyCommand {
  file: string;
  args: string[];
  env: Record<string, string>;
}

export interface PtySize {
  cols: number;
  rows: number;
}

/** A command on a pseudo terminal of its own. Bytes come as they are (`onData` gives Buffers in spite of its type), never decoded half-way. */
export function spawnPty(command: PtyCommand, size: PtySize): IPty {
  try {
    const pty = spawn(command.file, command.args, {
      name: 'xterm-256color',
      cols: size.cols,
      rows: size.rows,
      cwd: '/',
      env: command.env,
      encoding: null,
    });
    keepUntilRead(pty);
    return pty;
  } catch (cause) {
    throw new DomainError(
      'internal',
      `Cannot open a terminal for ${command.file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

const quietMs = 200;

/**
 * node-pty closes a terminal 200 ms after its command has ended, and the stream closes itself when it has read the end; what a paused reader has not taken
 * by then would be gone. Here both wait until the reader has gone on and taken it. Another process may hold the terminal open: then its end never comes,
 * and 200 ms without a byte are taken for it.
 */
export function keepUntilRead(pty: IPty): void {
  const { _socket: socket } = pty as unknown as { _socket: Socket };
  const destroy = socket.destroy.bind(socket);
  let lastBytes = 0;
  let quietSinceMs = 0;
  let isEnding = false;
  let end: { error: Error | undefined } | null = null;
  const look = () => {
    const isUnread = socket.isPaused() || socket.readableLength > 0;
    if (isUnread || socket.bytesRead !== lastBytes) quietSinceMs = performance.now();
    lastBytes = socket.bytesRead;
    if (!isUnread && (end || performance.now() - quietSinceMs >= quietMs)) {
      for (const rest of readRest(pty)) socket.emit('data', rest);
      destroy(end?.error);
    } else setTimeout(look, quietMs / 8).unref();
  };
  socket.destroy = (error) => {
    if (error || socket.readableEnded) end = { error };
    if (!isEnding && !socket.destroyed) {
      isEnding = true;
      look();
    }
    return socket;
  };
}

/**
 * What is still in the terminal. libuv takes the first short read after a hang-up for the end of a stream, and a read of a terminal is short whenever it
 * holds more than 4 KiB.
 */
function* readRest(pty: IPty): Generator<Buffer> {
  const { fd } = pty as unknown as { fd: number };
  for (;;) {
    const buffer = Buffer.alloc(64 * 1024);
    let length: number;
    try {
      length = readSync(fd, buffer);
    } catch {
      return; // EIO: the end; EAGAIN: nothing more, and somebody else holds it
    }
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}
