import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { DomainError, isDomainError, messageOf } from '@stapes/contract/errors';
import type { TerminalClientMessage } from '@stapes/contract/terminal';
import type { TerminalAttachment } from '@stapes/runtime/terminals/terminal-host';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { z } from 'zod';
import type { Log } from '../log.ts';
import { authorise, type Context } from '../services/context.ts';
import type { Services } from '../services/services.ts';
import { keepAlive } from './keep-alive.ts';

/** Input that the terminal host has not taken yet; beyond it the browser has to wait. */
const mostInputBytes = 1024 * 1024;
/** Whoever lets so much lie is stuck; the window of the terminal host keeps it far below for everybody else. */
const mostOutputBytes = 16 * 1024 * 1024;
/** Close codes of the browser door, as the dashboard reads them. */
export const closeCodes = { ended: 1000, gone: 4404, tooSlow: 4408, failed: 4500 } as const;

const size = z.object({
  cols: z.coerce.number().int().min(2).max(1000),
  rows: z.coerce.number().int().min(1).max(1000),
});
const clientMessage: z.ZodType<TerminalClientMessage> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('resize'), ...size.shape }),
  z.object({ type: z.literal('ack'), bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) }),
  z.object({ type: z.literal('ping') }),
]);

interface Deps {
  services: Pick<Services, 'terminals'>;
  log: Log;
}

/** `/ws/terminals/<id>?cols=&rows=`: bytes and control messages between a browser and a session of the terminal host. */
export function createTerminalDoor({ services, log }: Deps) {
  const server = new WebSocketServer({ noServer: true, maxPayload: mostInputBytes, perMessageDeflate: false });

  return async (upgrade: {
    request: IncomingMessage;
    socket: Duplex;
    head: Buffer;
    context: Context;
  }): Promise<void> => {
    authorise(upgrade.context, 'admin');
    const url = new URL(upgrade.request.url ?? '', 'http://localhost');
    const id = /^\/ws\/terminals\/([a-zA-Z0-9-]{1,64})$/.exec(url.pathname)?.[1];
    const wanted = size.safeParse({
      cols: url.searchParams.get('cols') ?? 80,
      rows: url.searchParams.get('rows') ?? 24,
    });
    if (id === undefined || !wanted.success)
      throw new DomainError('invalid', 'Give a session, cols (2 to 1000) and rows (1 to 1000)');
    server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
      keepAlive(socket);
      socket.on('error', (error) => log.debug({ err: error }, 'a terminal websocket broke'));
      // A browser learns nothing from a refused upgrade, but it can read a close code.
      socket.pause();
      services.terminals.attach(upgrade.context, id, wanted.data).then(
        (attachment) => {
          bridge(socket, attachment);
          socket.resume();
        },
        (error: unknown) => {
          const code = isDomainError(error) && error.code === 'not-found' ? closeCodes.gone : closeCodes.failed;
          socket.resume();
          socket.close(code, messageOf(error).slice(0, 100));
        },
      );
    });
  };
}

function bridge(socket: WebSocket, attachment: TerminalAttachment): void {
  const { stream } = attachment;
  stream.on('data', (frame: { kind: 'data'; bytes: Buffer } | { kind: 'control'; message: unknown }) => {
    if (socket.readyState !== socket.OPEN) return;
    if (frame.kind === 'data') socket.send(frame.bytes);
    else socket.send(JSON.stringify(frame.message));
    if (socket.bufferedAmount > mostOutputBytes) socket.terminate();
  });
  stream.on('error', () => socket.close(closeCodes.failed, 'the terminal host broke off'));
  stream.on('end', () => socket.close(closeCodes.tooSlow, 'detached'));
  socket.on('message', (data: RawData, isBinary: boolean) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    if (!isBinary) return readControl(socket, stream, bytes);
    if (stream.write({ kind: 'data', bytes }) || socket.isPaused) return;
    socket.pause();
    stream.once('drain', () => socket.resume());
  });
  socket.on('close', () => attachment.close());
  if (socket.readyState !== socket.OPEN) attachment.close();
}

function readControl(socket: WebSocket, stream: Duplex, bytes: Buffer): void {
  let message: TerminalClientMessage;
  try {
    message = clientMessage.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return socket.close(1008, 'not a message of a terminal');
  }
  if (message.type === 'ping') socket.send(JSON.stringify({ type: 'pong' }));
  else stream.write({ kind: 'control', message });
}
