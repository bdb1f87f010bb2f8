import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@stapes/runtime/host/run';
import { until, type TestServer } from '../support/server.ts';
import { inTurn, ratioLine, timeMs, type Line, type Pair } from './measure.ts';

/** As the server starts its commands, so that a floor holds no more than the command itself. */
const exec = (file: string, args: string[]) => run(file, args);

interface Template {
  /** lxc.conf of a container that the server made. */
  config: string;
  rootfs: string;
  id: string;
}

/** Configuration that the server wrote for an instance: the floor starts the very same container by hand. */
function templateOf(server: TestServer, id: string): Template {
  const config = readFileSync(join(server.stateDir, 'instances', id, 'config'), 'utf8');
  const rootfs = /^lxc\.rootfs\.path\s*=\s*(?:dir:)?(.+)$/m.exec(config)?.[1]?.trim();
  if (!rootfs) throw new Error(`no rootfs in the configuration of ${id}`);
  return { config, rootfs, id };
}

export function instanceIds(server: TestServer): Set<string> {
  const directory = join(server.stateDir, 'instances');
  return new Set(existsSync(directory) ? readdirSync(directory) : []);
}

export function newestInstanceId(server: TestServer, before: Set<string>): string {
  const id = [...instanceIds(server)].find((name) => !before.has(name));
  if (!id) throw new Error('the server made no instance directory');
  return id;
}

/** By hand: snapshot of the image's file system, veth (made by lxc-start from the same lines), lxc-start of the same configuration. */
class Floor {
  readonly directory: string;
  #count = 0;
  constructor(
    readonly server: TestServer,
    readonly template: Template,
    readonly btrfs: boolean,
  ) {
    this.directory = join(server.stateDir, 'floor');
    mkdirSync(this.directory, { recursive: true });
  }

  #volume(name: string): string {
    return `${this.template.rootfs.replace(/\/rootfs$/, '')}-${name}`;
  }

  async prepare(): Promise<string> {
    const name = `floor${this.#count++}`;
    const source = this.template.rootfs.replace(/\/rootfs$/, '');
    const target = this.#volume(name);
    if (this.btrfs) await exec('btrfs', ['subvolume', 'snapshot', source, target]);
    else await exec('cp', ['-a', '--reflink=auto', source, target]);
    const folder = join(this.directory, name);
    mkdirSync(folder);
    const short = `fl${Date.now().toString(36)}${this.#count}`.slice(0, 15);
    const config = this.template.config
      .replaceAll(source, target)
      .replaceAll(this.template.id, name)
      .replace(/^(lxc\.net\.0\.veth\.pair\s*=).*$/m, `$1 ${short}`)
      .replace(
        /^(lxc\.net\.0\.hwaddr\s*=).*$/m,
        `$1 10:66:6a:${[1, 2, 3]
          .map(() =>
            Math.floor(Math.random() * 256)
              .toString(16)
              .padStart(2, '0'),
          )
          .join(':')}`,
      );
    writeFileSync(join(folder, 'config'), config);
    return name;
  }
  async start(name: string): Promise<void> {
    await exec('lxc-start', ['-P', this.directory, '-n', name, '-d']);
  }
  async kill(name: string): Promise<void> {
    await exec('lxc-stop', ['-P', this.directory, '-n', name, '-k']);
  }
  async removeTree(path: string): Promise<void> {
    if (this.btrfs) await exec('btrfs', ['subvolume', 'delete', path]);
    else rmSync(path, { recursive: true, force: true });
  }
  async removeVolume(name: string): Promise<void> {
    await this.removeTree(this.#volume(name));
    rmSync(join(this.directory, name), { recursive: true, force: true });
  }
}

/** A booting system would take its share of the processors from what is measured next. */
async function waitForBoot(lxcPath: string, name: string): Promise<void> {
  await until(`${name} to have booted`, 90_000, async () => {
    // Before systemd listens, the command ends at once with an error; "degraded" is an end of the boot, too.
    const ask = ['-P', lxcPath, '-n', name, '--clear-env', '--', 'systemctl', 'is-system-running'];
    const answer = await run('lxc-attach', ask, { okCodes: [0, 1], timeoutMs: 10_000 }).catch(() => null);
    return /^(?:running|degraded)$/m.test(answer?.stdout ?? '');
  });
}

/** An instance of the server, but ended with LXC's and the file system's own commands: what is watched and connected alike ends alike. */
async function endByHand(
  server: TestServer,
  how: { name: string; body: (name: string, start: boolean) => object; floor: Floor },
): Promise<{ stopMs: number; removeMs: number }> {
  const { rest } = server;
  const { name, floor } = how;
  const known = instanceIds(server);
  await rest.finish('POST', '/1.0/instances', how.body(name, true));
  const id = newestInstanceId(server, known);
  const { rootfs } = templateOf(server, id);
  const lxcPath = join(server.stateDir, 'instances');
  await waitForBoot(lxcPath, id);
  const stopMs = await timeMs(() => exec('lxc-stop', ['-P', lxcPath, '-n', id, '-k']));
  const removeMs = await timeMs(() => floor.removeTree(rootfs));
  await rest.finish('DELETE', `/1.0/instances/${name}`);
  return { stopMs, removeMs };
}

/** Launch, forced stop, stop and delete on one pool: each instance is made, booted, stopped and deleted before the next. */
export async function lifecycle(server: TestServer, pool: string, btrfs: boolean, runs: number): Promise<Line[]> {
  const { rest } = server;
  const body = (name: string, start: boolean) => ({
    name,
    start,
    source: { type: 'image', alias: 'debian/12' },
    config: { 'security.idmap.isolated': 'true' },
    devices: { root: { type: 'disk', path: '/', pool } },
  });
  const force = { action: 'stop', force: true };
  const before = instanceIds(server);
  await rest.finish('POST', '/1.0/instances', body(`tpl-${pool}`, false));
  // A configuration is written at the latest by the first start.
  await rest.finish('PUT', `/1.0/instances/tpl-${pool}/state`, { action: 'start' });
  const template = templateOf(server, newestInstanceId(server, before));
  await waitForBoot(join(server.stateDir, 'instances'), template.id);
  await rest.finish('PUT', `/1.0/instances/tpl-${pool}/state`, force);
  const floor = new Floor(server, template, btrfs);
  const [stopped, removed]: [Pair, Pair] = [
    { ours: [], floor: [] },
    { ours: [], floor: [] },
  ];
  /** Of containers that the server does not know. */
  const unwatched: { stop: number[]; both: number[] } = { stop: [], both: [] };
  const launch = await inTurn(
    runs,
    async (index) => {
      const name = `b-${pool}-${index + 1}`;
      const known = instanceIds(server);
      const ms = await timeMs(() => rest.finish('POST', '/1.0/instances', body(name, true)));
      await waitForBoot(join(server.stateDir, 'instances'), newestInstanceId(server, known));
      const stopMs = await timeMs(() => rest.finish('PUT', `/1.0/instances/${name}/state`, force));
      const removeMs = await timeMs(() => rest.finish('DELETE', `/1.0/instances/${name}`));
      if (index >= 0) {
        stopped.ours.push(stopMs);
        removed.ours.push(removeMs);
      }
      return ms;
    },
    async (index) => {
      let name = '';
      const ms = await timeMs(async () => floor.start((name = await floor.prepare())));
      await waitForBoot(floor.directory, name);
      const killMs = await timeMs(() => floor.kill(name));
      const dropMs = await timeMs(() => floor.removeVolume(name));
      const ended = await endByHand(server, { name: `h-${pool}-${index + 1}`, body, floor });
      if (index >= 0) {
        unwatched.stop.push(killMs);
        unwatched.both.push(killMs + dropMs);
        stopped.floor.push(ended.stopMs);
        removed.floor.push(ended.removeMs);
      }
      return ms;
    },
  );
  const sum = (one: number[], other: number[]) => one.map((ms, index) => ms + (other[index] ?? 0));
  const both = { ours: sum(stopped.ours, removed.ours), floor: sum(stopped.floor, removed.floor) };
  await rest.finish('DELETE', `/1.0/instances/tpl-${pool}`);
  return [
    // A floor of a directory pool copies as we do, and is no part of the promise.
    ratioLine(`launch on ${pool}`, launch, 2.5),
    ratioLine(`forced stop on ${pool}`, stopped, 1.2),
    ratioLine(`stop and delete on ${pool}`, both, 1.2),
    ratioLine(`forced stop on ${pool}, by hand unwatched`, { ours: stopped.ours, floor: unwatched.stop }, 1.2),
    ratioLine(`stop and delete on ${pool}, by hand unwatched`, { ours: both.ours, floor: unwatched.both }, 1.2),
  ];
}

/** `exec true` through REST (websockets included) against `lxc-attach`. The figure is the difference. */
export async function execTrue(server: TestServer, runs: number): Promise<Line> {
  const { rest } = server;
  const before = instanceIds(server);
  await rest.finish('POST', '/1.0/instances', {
    name: 'b-exec',
    start: true,
    source: { type: 'image', alias: 'debian/12' },
  });
  const id = newestInstanceId(server, before);
  const pair = await inTurn(
    runs,
    () =>
      timeMs(async () => {
        const started = await rest.call('POST', '/1.0/instances/b-exec/exec', {
          command: ['true'],
          'wait-for-websocket': true,
          interactive: false,
        });
        const { fds } = started.body.metadata.metadata as { fds: Record<string, string> };
        const sockets = Object.values(fds).map((secret) =>
          rest.socket(`${started.body.operation}/websocket?secret=${secret}`),
        );
        const ended = await rest.get(`${started.body.operation}/wait?timeout=30`);
        if (ended.body.metadata.metadata.return !== 0) throw new Error(`exec true gave ${ended.raw.toString()}`);
        for (const socket of sockets) socket.close();
      }),
    () =>
      timeMs(async () =>
        exec('lxc-attach', ['-P', join(server.stateDir, 'instances'), '-n', id, '--clear-env', '--', 'true']),
      ),
  );
  await rest.finish('DELETE', '/1.0/instances/b-exec').catch(async () => {
    await rest.finish('PUT', '/1.0/instances/b-exec/state', { action: 'stop', force: true });
    await rest.finish('DELETE', '/1.0/instances/b-exec');
  });
  const line = ratioLine('exec true over REST', pair, 10);
  const { ours, floor } = { ours: [...pair.ours].sort((a, b) => a - b), floor: [...pair.floor].sort((a, b) => a - b) };
  const middle = ours.length >> 1;
  return { ...line, value: (ours[middle] ?? 0) - (floor[middle] ?? 0), unit: 'ms more' };
}

/** All at once; the figure is the time for each. */
export async function manyLaunches(server: TestServer, count: number): Promise<{ totalMs: number; failed: number }> {
  const names = Array.from({ length: count }, (_, index) => `many-${index}`);
  let failed = 0;
  const totalMs = await timeMs(async () => {
    await Promise.all(
      names.map((name) =>
        server.rest
          .finish('POST', '/1.0/instances', { name, start: true, source: { type: 'image', alias: 'debian/12' } })
          .catch((error: unknown) => {
            failed++;
            console.error(String(error));
          }),
      ),
    );
  });
  for (const name of names) {
    await server.rest
      .finish('PUT', `/1.0/instances/${name}/state`, { action: 'stop', force: true })
      .catch(() => undefined);
    await server.rest.finish('DELETE', `/1.0/instances/${name}`).catch(() => undefined);
  }
  return { totalMs, failed };
}
