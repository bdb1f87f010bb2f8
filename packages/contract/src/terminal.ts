import { z } from 'zod';

/** A terminal session: a pty and its screen that live in the terminal host, whatever the server or a browser does. */
export interface TerminalSession {
  id: string;
  project: string;
  instance: string;
  /** What it runs, for the tab's tooltip: `['bash', '-l']`. */
  command: string[];
  user: string;
  title: string;
  cols: number;
  rows: number;
  created_at: string;
  /** Viewers attached now. */
  clients: number;
  /** `exited` sessions keep their last screen until they are closed. */
  status: 'running' | 'exited';
  exit_code: number | null;
}
export const createTerminalSchema = z.object({
  instance: z.string().max(63),
  /** User name inside the instance; resolved there. */
  user: z
    .string()
    .max(64)
    .regex(/^[a-z_][a-z0-9_.-]*$/i, 'Use a user name')
    .default('root'),
  /** Absolute path of a shell, or empty for the user's own. */
  shell: z
    .union([
      z
        .string()
        .max(255)
        .regex(/^\/[^\u0000-\u001f]*$/, 'Give an absolute path'),
      z.literal(''),
    ])
    .default(''),
  cols: z.number().int().min(2).max(1000).default(80),
  rows: z.number().int().min(1).max(1000).default(24),
});
export type CreateTerminal = z.input<typeof createTerminalSchema>;

/**
 * Frames on `/ws/terminals/<id>` (browser door). Binary frames are bytes of the pty in both directions.
 * Text frames are JSON of these types. Flow control: the client acknowledges bytes that it has drawn; the server stops
 * reading the pty when more than `terminalWindowBytes` are unacknowledged.
 */
export type TerminalClientMessage =
  { type: 'resize'; cols: number; rows: number } | { type: 'ack'; bytes: number } | { type: 'ping' };
export type TerminalServerMessage =
  | { type: 'screen'; cols: number; rows: number; bytes: number } // the next binary frame redraws the whole screen with scrollback
  | { type: 'exit'; code: number }
  | { type: 'title'; title: string }
  | { type: 'size'; cols: number; rows: number } // another viewer resized it
  | { type: 'pong' };
export const terminalWindowBytes = 512 * 1024;
