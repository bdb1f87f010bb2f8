import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { WebSocket } from 'ws';

const maxControlBytes = 32 * 1024;
const numeric = z.union([z.string().regex(/^\d{1,5}$/), z.number().int()]).transform(Number);
const controlMessage = z.union([
  z.object({ command: z.literal('window-resize'), args: z.object({ width: numeric, height: numeric }) }),
  z.object({ command: z.literal('signal'), signal: z.number().int().min(1).max(64) }),
]);

export interface Controlled {
  resize(cols: number, rows: number): void;
  signal(number: number): void;
  /** The socket is gone. */
  lost(): void;
}

/** Follows the control socket; what is no control message is passed over. */
export function followControl(socket: WebSocket, controlled: Controlled): void {
  socket.on('message', (data: Buffer) => {
    if (data.length === 0 || data.length > maxControlBytes) return;
    let parsed: unknown;
    try {
      parsed = JSON.parse(data.toString());
    } catch {
      return;
    }
    const message = controlMessage.safeParse(parsed);
    if (!message.success) return;
    if (message.data.command === 'signal') controlled.signal(message.data.signal);
    else {
      const { width, height } = message.data.args;
      if (width > 0 && height > 0 && width <= 65535 && height <= 65535) controlled.resize(width, height);
    }
  });
  socket.once('close', () => controlled.lost());
}

/** Signals the command inside: `lxc-attach` is its parent on the host. Falls back to the parent while it has no child yet. */
export async function signalCommand(pid: number, signal: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const targets = children.trim().split(/\s+/).filter(Boolean).map(Number);
  for (const target of targets.length > 0 ? targets : [pid]) {
    try {
      process.kill(target, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Kills the command and what runs it. */
export async function killCommand(pid: number): Promise<void> {
  await signalCommand(pid, 9);
  try {
    process.kill(pid, 9);
  } catch {
    // Ended already.
  }
}
