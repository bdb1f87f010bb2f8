import { spawnPty } from '@stapes/runtime/host/pty';
import type { HostCommand } from '@stapes/runtime/instances/driver';

/** A pty as the exec service uses it: bytes, and an exit that comes after the last of them. */
export interface Pty {
  pid: number;
  onData(listener: (chunk: Buffer) => void): void;
  onExit(listener: (code: number) => void): void;
  write(chunk: Buffer): void;
  resize(cols: number, rows: number): void;
  pause(): void;
  resume(): void;
  kill(): void;
}

export function openPty(command: HostCommand, size: { cols: number; rows: number }): Pty {
  const pty = spawnPty(command, size);
  let over = false;
  pty.onExit(() => {
    over = true;
  });
  /** What has ended meanwhile cannot be resized or written to, and nobody minds. */
  const unlessOver = (act: () => void) => {
    if (over) return;
    try {
      act();
    } catch {
      over = true;
    }
  };
  // node-pty takes and gives Buffers when it was opened without an encoding; its types say string.
  return {
    pid: pty.pid,
    onData: (listener) => void pty.onData((data) => listener(Buffer.from(data as unknown as Buffer))),
    onExit: (listener) => void pty.onExit(({ exitCode, signal }) => listener(signal ? 128 + signal : exitCode)),
    write: (chunk) => unlessOver(() => pty.write(chunk as unknown as string)),
    resize: (cols, rows) => unlessOver(() => pty.resize(cols, rows)),
    pause: () => unlessOver(() => pty.pause()),
    resume: () => unlessOver(() => pty.resume()),
    kill: () => unlessOver(() => pty.kill('SIGKILL')),
  };
}
