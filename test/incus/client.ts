import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { TestServer } from '../support/server.ts';

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
  /** Bytes of stdout. */
  bytes: Buffer;
}

export interface RunOptions {
  input?: string | Buffer;
  /** Typed one after the other, each when the output has matched; for programs on a pty. The input ends with the last. */
  typed?: { after: RegExp; text: string }[];
  environment?: Record<string, string>;
  timeoutMs?: number;
}

/** What is said of a thing that is not there, and of a name that is taken. */
export const missing = /not found|there is no|has no|no such|does not exist/i;
export const taken = /already|exists|taken/i;

/** The image that tests launch. */
export const image = 'busybox';

/** The real `lxc` client against a real server. */
export class LxcClient {
  readonly directory = mkdtempSync('/var/tmp/stapes-test-lxc-');
  constructor(readonly server: TestServer) {
    // Instances mount what lies here, with ids of their own.
    chmodSync(this.directory, 0o755);
  }

  /** Runs `lxc`; the exit code is the caller's to look at. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return runProgram('lxc', args, { ...options, environment: { ...this.environment, ...options.environment } });
  }

  /** Runs `lxc`, which has to succeed; answers its output without the last line end. */
  async lxc(...args: string[]): Promise<string> {
    const result = await this.run(args);
    expect(
      result.code,
      `lxc ${args.join(' ')}\n${result.stdout}${result.stderr}\n${this.server.output.slice(-3000)}`,
    ).toBe(0);
    return result.stdout.replace(/\n$/, '');
  }

  /** Runs `lxc`, which has to fail; answers what it said. */
  async fail(...args: string[]): Promise<string> {
    const result = await this.run(args);
    expect(result.code, `lxc ${args.join(' ')} should fail\n${result.stdout}`).not.toBe(0);
    return result.stderr + result.stdout;
  }

  /** With `lxc` on a pty of its own. */
  runOnPty(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    const line = ['lxc', ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return runProgram('script', ['-qec', line, '/dev/null'], {
      ...options,
      environment: { ...this.environment, TERM: 'xterm', ...options.environment },
    });
  }

  get environment(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.directory,
      LXD_SOCKET: join(this.server.stateDir, 'unix.socket'),
      LXD_CONF: join(this.directory, 'conf'),
      LC_ALL: 'C.UTF-8',
    };
  }

  async json<T = unknown>(...args: string[]): Promise<T> {
    return JSON.parse(await this.lxc(...args)) as T;
  }
}

/** Between two keys, as somebody types them: programs tell what comes in one reading from what comes in two. */
const keystrokeMs = 150;

export function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: options.environment ?? process.env });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const timeoutMs = options.timeoutMs ?? 100_000;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(
          `${file} ${args.join(' ')} did not end in ${timeoutMs} ms:\n${Buffer.concat([...stdout, ...stderr]).toString()}`,
        ),
      );
    }, timeoutMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const bytes = Buffer.concat(stdout);
      resolve({
        code: code ?? (signal ? 128 : 1),
        stdout: bytes.toString(),
        stderr: Buffer.concat(stderr).toString(),
        bytes,
      });
    });
    child.stdin.on('error', () => undefined);
    const waiting = [...(options.typed ?? [])];
    if (waiting.length === 0) child.stdin.end(options.input ?? '');
    let from = 0;
    const type = () => {
      const next = waiting[0];
      const output = Buffer.concat(stdout).toString();
      if (!next?.after.test(output.slice(from))) return;
      from = output.length;
      waiting.shift();
      child.stdin.write(next.text);
      setTimeout(type, keystrokeMs);
    };
    child.stdout.on('data', type);
  });
}

export interface Fixture {
  server: TestServer;
  client: LxcClient;
  end(): Promise<void>;
}

/** A server with the busybox image. Several may run one after the other in one namespace. */
export async function startFixture(): Promise<Fixture> {
  const server = new TestServer();
  const client = new LxcClient(server);
  const end = async () => {
    await server.destroy();
    rmSync(client.directory, { recursive: true, force: true });
  };
  try {
    await server.start();
    await server.rest.finish('POST', '/1.0/images', { source: { type: 'recipe', recipe: image } });
  } catch (error) {
    console.error(server.output.slice(-4000));
    await end();
    throw error;
  }
  return { server, client, end };
}

export interface ListedInstance {
  name: string;
  status: string;
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
  profiles: string[];
  snapshots: { name: string }[] | null;
  state: {
    pid: number;
    network: Record<string, { addresses: { family: string; address: string; scope: string }[] }> | null;
  } | null;
  ephemeral: boolean;
}

/** One instance as `lxc list` has it. */
export async function listed(client: LxcClient, name: string): Promise<ListedInstance> {
  const all = await client.json<ListedInstance[]>('list', '--format', 'json');
  const found = all.find((instance) => instance.name === name);
  if (!found) throw new Error(`${name} is not listed`);
  return found;
}

/** Process id of the instance's init on the host. */
export async function pidOf(client: LxcClient, name: string): Promise<number> {
  const pid = (await listed(client, name)).state?.pid ?? 0;
  if (pid === 0) throw new Error(`${name} has no process`);
  return pid;
}

/** A control file of the instance's cgroup on the host and of those above it: init itself may live in one further down. */
export function cgroupValues(pid: number, controller: string, file: string): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const line = lines.find((text) => text.split(':')[1]?.split(',').includes(controller));
  const path = line?.split(':')[2];
  if (path === undefined) throw new Error(`no cgroup of ${controller} for ${pid}`);
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((text) => text.split(' '));
  const mount = mounts
    .filter(([, , type, options]) => type === 'cgroup' && options?.split(',').includes(controller))
    .at(-1)?.[1];
  if (mount === undefined) throw new Error(`${controller} is not mounted`);
  const values: string[] = [];
  for (let directory = path; directory !== '/'; directory = dirname(directory)) {
    values.push(readFileSync(join(mount, directory, file), 'utf8').trim());
  }
  return values;
}
