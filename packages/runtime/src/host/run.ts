import { DomainError } from '@stapes/contract/errors';
import { startChild, type ChildOptions, type HostChild } from './child.ts';

/** The only place that spawns a process: argv arrays, never a shell. */

export interface RunOptions {
  /** Written to stdin, which is then closed. */
  input?: string | Buffer;
  cwd?: string;
  /** The whole environment of the child; PATH and LC_ALL=C by default, nothing is inherited. */
  env?: Record<string, string>;
  /** Default 60 s; the child is killed then and `timeout` thrown. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Exit codes that are fine; default [0]. */
  okCodes?: readonly number[];
  /** Most bytes of stdout that are kept; more is an error (`too-large`). Default 16 MiB. */
  maxOutputBytes?: number;
  /** Called with each chunk of stderr, for progress. */
  onStderr?: (text: string) => void;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

export const hostEnvironment: Record<string, string> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
};

/** Runs a command to its end. Throws `internal` with argv and the last lines of stderr when it fails. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const command = [file, ...args];
  const child = startChild(file, args, {
    env: options.env ?? hostEnvironment,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new DomainError('internal', `Cannot run ${file}`);
  const limit = options.maxOutputBytes ?? 16 * 1024 * 1024;
  const out: Buffer[] = [];
  let outBytes = 0;
  let err = '';
  let ended: 'timeout' | 'cancelled' | 'too-large' | null = null;
  const kill = (why: typeof ended) => {
    ended ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => kill('timeout'), options.timeoutMs ?? 60_000);
  const onAbort = () => kill('cancelled');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  stdout.on('data', (chunk: Buffer) => {
    outBytes += chunk.length;
    if (outBytes > limit) kill('too-large');
    else out.push(chunk);
  });
  stderr.on('data', (chunk: Buffer) => {
    const text = chunk.toString();
    options.onStderr?.(text);
    err = (err + text).slice(-65536);
  });
  stdin.on('error', () => undefined); // the child may end before it has read everything
  stdin.end(options.input ?? '');
  try {
    const code = await exitCode(child, command);
    const details = { command, stderr: err.trim().split('\n').slice(-20).join('\n') };
    if (ended === 'timeout')
      throw new DomainError('timeout', `${file} took longer than ${options.timeoutMs ?? 60_000} ms and was stopped`, {
        details,
      });
    if (ended === 'cancelled') throw new DomainError('cancelled', `${file} was cancelled`, { details });
    if (ended === 'too-large')
      throw new DomainError('too-large', `${file} printed more than ${limit} bytes`, { details });
    if (!(options.okCodes ?? [0]).includes(code)) throw failure(command, code, details.stderr);
    return { code, stdout: Buffer.concat(out).toString(), stderr: err };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function exitCode(child: HostChild, command: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? new DomainError('unavailable', `The program ${command[0]} is not installed on this host`, {
              cause,
              details: { command },
            })
          : new DomainError('internal', `Cannot run ${command[0]}: ${cause.message}`, { cause, details: { command } }),
      ),
    );
    child.on('close', (code: number | null, signal: string | null) => resolve(code ?? (signal ? 128 : 1)));
  });
}

function failure(command: string[], code: number, stderr: string): DomainError {
  const noSpace = /no space left|disk quota exceeded/i.test(stderr);
  const last = stderr.split('\n').filter(Boolean).slice(-3).join('; ');
  return new DomainError(
    noSpace ? 'no-space' : 'internal',
    `${command[0]} failed (exit ${code})${last ? `: ${last}` : ''}`,
    { details: { command, stderr, exitCode: code } },
  );
}

/** Spawns a long-lived or streaming child; the caller owns it. */
export function spawnProcess(file: string, args: readonly string[], options: Partial<ChildOptions> = {}): HostChild {
  return startChild(file, args, { env: hostEnvironment, stdio: ['pipe', 'pipe', 'pipe'], ...options });
}
