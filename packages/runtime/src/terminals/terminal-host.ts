import type { Duplex } from 'node:stream';
import type { HostCommand } from '../instances/driver.ts';

/** What the terminal host knows of a session. `meta` is the server's and is given back as it was. */
export interface HostedTerminal {
  id: string;
  cols: number;
  rows: number;
  title: string;
  clients: number;
  createdAtMs: number;
  status: 'running' | 'exited';
  exitCode: number | null;
  meta: Record<string, string>;
}

/** Frames between a viewer and a session: bytes both ways, and the control messages of `@stapes/contract/terminal`. */
export interface TerminalAttachment {
  /** Screen with scrollback first, then live bytes. Object mode: `{ kind: 'data', bytes }` or `{ kind: 'control', message }`. */
  stream: Duplex;
  close(): void;
}

/**
 * Client side of the terminal host: one small detached process for each state directory that owns the ptys and a headless screen each. It is
 * started when first needed, found again by its socket, and outlives the server.
 */
export interface TerminalHost {
  create(options: {
    id: string;
    command: HostCommand;
    cols: number;
    rows: number;
    meta: Record<string, string>;
  }): Promise<HostedTerminal>;
  list(): Promise<HostedTerminal[]>;
  attach(id: string, options: { cols: number; rows: number }): Promise<TerminalAttachment>;
  /** Ends the process and forgets the session. Absent is fine. */
  close(id: string): Promise<void>;
  /** Ends the host process itself (tests, uninstall). */
  shutdown(): Promise<void>;
}
