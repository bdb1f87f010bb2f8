import { Socket } from 'node:net';
import { connectAbstract } from '../../host/syscalls.ts';

/** Requests of LXC's command protocol (liblxc 4 to 6): one request a connection. */
export const lxcCommand = { stop: 2, getState: 3, getInitPid: 4 } as const;
export const lxcStates = [
  'STOPPED',
  'STARTING',
  'RUNNING',
  'STOPPING',
  'ABORTING',
  'FREEZING',
  'FROZEN',
  'THAWED',
] as const;
export type LxcState = (typeof lxcStates)[number];

/** Null when no monitor answers on that name. The socket tells by its end that the monitor has gone. */
export async function connectMonitor(name: string): Promise<Socket | null> {
  for (let attempt = 0; ; attempt++) {
    try {
      const socket = new Socket({ fd: connectAbstract(name), readable: true, writable: true });
      socket.on('error', () => undefined);
      return socket;
    } catch (error) {
      const code = (error as { code?: string }).code;
      // EAGAIN: its queue is full just now.
      if (code === 'EAGAIN' && attempt < 100) await new Promise((done) => setTimeout(done, 5));
      else if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'EAGAIN') return null;
      else throw error;
    }
  }
}

/** The reply's number; `gone` when no monitor answers, `mute` when it is there but not (yet) answering. */
export async function askMonitor(
  name: string,
  command: number,
  timeoutMs = 2000,
): Promise<{ ret: number; value: number } | 'gone' | 'mute'> {
  const socket = await connectMonitor(name);
  if (!socket) return 'gone';
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const finish = (answer: { ret: number; value: number } | 'gone' | 'mute') => {
      clearTimeout(timer);
      socket.destroy();
      done(answer);
    };
    const timer = setTimeout(() => finish('mute'), timeoutMs);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      // struct { int ret; int datalen; void *data }: small answers travel in the pointer itself.
      if (all.length >= 16) finish({ ret: all.readInt32LE(0), value: all.readInt32LE(8) });
    });
    socket.on('close', () => finish('gone'));
    const request = Buffer.alloc(16);
    request.writeInt32LE(command, 0);
    socket.write(request);
  });
}
