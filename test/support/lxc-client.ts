import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestServer } from './server.ts';

export interface ClientResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Debian's unmodified `lxc` client against a server's unix socket. */
export function lxc(
  server: TestServer,
  args: string[],
  options: { input?: string; timeoutMs?: number } = {},
): Promise<ClientResult> {
  const conf = join(server.stateDir, 'lxc-client');
  mkdirSync(conf, { recursive: true });
  return new Promise((resolve) => {
    const child = execFile(
      'lxc',
      args,
      {
        env: {
          PATH: process.env.PATH ?? '',
          HOME: conf,
          LXD_CONF: conf,
          LXD_SOCKET: join(server.stateDir, 'unix.socket'),
        },
        timeout: options.timeoutMs ?? 60_000,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) =>
        resolve({ code: error ? (typeof error.code === 'number' ? error.code : 255) : 0, stdout, stderr }),
    );
    child.stdin?.end(options.input ?? '');
  });
}
