import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Rest } from './rest.ts';

export const root = resolve(import.meta.dirname, '../..');
const main = join(root, 'apps/server/dist/main.js');

/** A real server in a state directory of its own, inside the namespaces of `scripts/isolated`. */
export class TestServer {
  #child: ChildProcess | null = null;
  #output = '';
  readonly rest: Rest;

  constructor(
    readonly stateDir = mkdtempSync('/var/tmp/stapes-test-'),
    readonly port = 8443,
    readonly environment: Record<string, string> = {},
  ) {
    this.rest = new Rest(join(stateDir, 'unix.socket'));
  }

  get output(): string {
    return this.#output;
  }
  get pid(): number {
    return this.#child?.pid ?? 0;
  }
  /** The printed link: one-time while nobody has set up the server. */
  get link(): string {
    return /Stapes is ready: (\S+)/.exec(this.#output)?.[1] ?? '';
  }
  get origin(): string {
    return `https://localhost:${this.port}`;
  }

  /** Starts it and returns when it has printed its link. */
  async start(): Promise<void> {
    if (!existsSync(main)) throw new Error('Build first: node scripts/build.mjs');
    this.#output = '';
    const child = spawn(process.execPath, ['--max-semi-space-size=8', main], {
      cwd: root,
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'production',
        STAPES_DIR: this.stateDir,
        STAPES_LISTEN: `127.0.0.1:${this.port}`,
        STAPES_LOG_LEVEL: 'info',
        ...this.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-4_000_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    await until(`the server in ${this.stateDir} to be ready`, 120_000, () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`The server ended (${child.exitCode ?? child.signalCode}):\n${this.#output.slice(-4000)}`);
      return this.link !== '';
    });
  }

  /** Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await gone;
  }

  /** Stops the server and everything of its state directory; to be called in a finally. */
  async destroy(): Promise<void> {
    try {
      if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) await this.#empty();
    } catch (error) {
      console.error(`could not empty ${this.stateDir}: ${String(error)}`);
    }
    await this.kill('SIGTERM').catch(() => undefined);
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n').reverse()) {
      const target = line.split(' ')[1];
      if (target?.startsWith(`${this.stateDir}/`)) await spawnEnd('umount', ['-l', target]);
    }
    rmSync(this.stateDir, { recursive: true, force: true, maxRetries: 5 });
  }

  async #empty(): Promise<void> {
    const { body } = await this.rest.get('/1.0/instances?recursion=1');
    for (const { name, status } of body.metadata as { name: string; status: string }[]) {
      if (status !== 'Stopped')
        await this.rest
          .finish('PUT', `/1.0/instances/${name}/state`, { action: 'stop', force: true, timeout: 30 })
          .catch(() => undefined);
      await this.rest.finish('DELETE', `/1.0/instances/${name}`).catch(() => undefined);
    }
    await this.rest.call('PUT', '/1.0/profiles/default', { config: {}, devices: {} });
    const networks = (await this.rest.get('/1.0/networks?recursion=1')).body.metadata as {
      name: string;
      managed: boolean;
    }[];
    for (const { name, managed } of networks) if (managed) await this.rest.call('DELETE', `/1.0/networks/${name}`);
  }
}

function spawnEnd(file: string, args: string[]): Promise<void> {
  return new Promise((done) => spawn(file, args, { stdio: 'ignore' }).once('close', () => done()));
}

/** Polls until the condition holds; fails with what was waited for. */
export async function until(
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`Waited ${timeoutMs} ms for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
