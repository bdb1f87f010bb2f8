import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { TerminalServerMessage } from '@stapes/contract/terminal';
import xterm, { type Terminal } from '@xterm/headless';
import { createTerminalHost } from '../../packages/runtime/src/terminals/terminal-host-client.ts';
import type { TerminalAttachment, TerminalHost } from '../../packages/runtime/src/terminals/terminal-host.ts';

const root = resolve(import.meta.dirname, '../..');
export const hostEntry = [
  process.execPath,
  '--import',
  createRequire(import.meta.url).resolve('tsx'),
  join(root, 'packages/runtime/src/terminals/host-main.ts'),
];

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it never came to this: ${what}`);
    await new Promise((go) => setTimeout(go, 10));
  }
}

/** A browser's part: draws what comes, acknowledges what it has drawn. */
export class TestViewer {
  readonly terminal: Terminal;
  readonly messages: TerminalServerMessage[] = [];
  readonly attachment: TerminalAttachment;
  receivedBytes = 0;
  isEnded = false;
  acknowledges = true;
  #unacknowledged = 0;
  #pending = 0;

  constructor(attachment: TerminalAttachment, size: { cols: number; rows: number }) {
    this.attachment = attachment;
    this.terminal = new xterm.Terminal({ ...size, scrollback: 5000, allowProposedApi: true });
    attachment.stream.on(
      'data',
      (frame: { kind: 'data'; bytes: Buffer } | { kind: 'control'; message: TerminalServerMessage }) => {
        if (frame.kind === 'data') this.#draw(frame.bytes);
        else this.#hear(frame.message);
      },
    );
    attachment.stream.on('end', () => (this.isEnded = true));
  }
  static async attach(host: TerminalHost, id: string, size = { cols: 80, rows: 24 }): Promise<TestViewer> {
    return new TestViewer(await host.attach(id, size), size);
  }
  get isDrawn(): boolean {
    return this.#pending === 0;
  }
  type(text: string): void {
    this.attachment.stream.write({ kind: 'data', bytes: Buffer.from(text) });
  }
  control(message: unknown): void {
    this.attachment.stream.write({ kind: 'control', message });
  }
  /** All lines, scrollback first, without empty ones at the end. */
  lines(): string[] {
    const { active } = this.terminal.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, index) => active.getLine(index)?.translateToString(true) ?? '',
    );
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }
  shows(text: string): boolean {
    return this.isDrawn && this.lines().some((line) => line.includes(text));
  }
  close(): void {
    this.attachment.close();
  }
  #draw(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.#pending++;
    this.terminal.write(bytes, () => {
      this.#pending--;
      this.#unacknowledged += bytes.length;
      if (!this.acknowledges || this.#unacknowledged < 64 * 1024) return;
      this.control({ type: 'ack', bytes: this.#unacknowledged });
      this.#unacknowledged = 0;
    });
  }
  #hear(message: TerminalServerMessage): void {
    this.messages.push(message);
    if (message.type === 'screen') this.terminal.reset();
    if (message.type === 'size') this.terminal.resize(message.cols, message.rows);
  }
}

export interface TestHost {
  stateDir: string;
  host: TerminalHost;
  dispose(): Promise<void>;
}

export function createTestHost(env: Record<string, string> = {}): TestHost {
  const stateDir = mkdtempSync('/var/tmp/stapes-test-');
  const host = createTerminalHost({
    stateDir,
    hostEntry,
    env: { TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), ...env },
  });
  return {
    stateDir,
    host,
    async dispose() {
      await host.shutdown().catch(() => undefined);
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

export const bash = (script?: string) => ({
  file: '/bin/bash',
  args: script === undefined ? ['--norc', '--noprofile'] : ['--norc', '--noprofile', '-c', script],
  env: { PATH: '/usr/bin:/bin', PS1: '$ ', HOME: '/', LC_ALL: 'C.UTF-8' },
});
