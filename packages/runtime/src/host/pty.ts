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
    return spawn(command.file, command.args, {
      name: 'xterm-256color',
      cols: size.cols,
      rows: size.rows,
      cwd: '/',
      env: command.env,
      encoding: null,
    });
  } catch (cause) {
    throw new DomainError(
      'internal',
      `Cannot open a terminal for ${command.file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
