import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from '@stapes/contract/operation';
import { TestServer, until } from '../support/server.ts';
import { directory, hostileArchives, metadata, tarOf } from './hostile-archive.ts';
import { expectInventory, inventoryOf } from './host-inventory.ts';

/** Bad input, and what breaks under a server that runs. */
const server = new TestServer();
const { rest } = server;
const outside = mkdtempSync('/var/tmp/stapes-test-outside-');

beforeAll(async () => {
  await server.start();
  await rest.finish('POST', '/1.0/images', { source: { type: 'recipe', recipe: 'busybox' } });
  await rest.finish('POST', '/1.0/instances', { name: 'box', source, start: true });
});
afterAll(async () => {
  await server.destroy();
  rmSync(outside, { recursive: true, force: true });
});

const source = { type: 'image', alias: 'busybox' };
const statusOf = async (name: string): Promise<string> =>
  (await rest.get(`/1.0/instances/${name}`)).body.metadata?.status ?? 'absent';

/** What was said against it, at once or at the end of its operation; empty when it went well. */
async function refusal(method: string, path: string, body: unknown, headers = {}): Promise<string> {
  const answer = await rest.call(method, path, body, headers);
  if (answer.status !== 202) return answer.status < 300 ? '' : String(answer.body.error);
  const ended = await rest.get(`${answer.body.operation}/wait?timeout=120`);
  return (ended.body.metadata as Operation).err;
}

describe('names and images that cannot be', () => {
  test('names of instances', async () => {
    const before = inventoryOf(server);
    const names: [string, RegExp][] = [
      ['-bad', /name/i],
      ['a_b', /name/i],
      ['0', /name|digit/i],
      ['x'.repeat(64), /63|name|long/i],
      ['a/../b', /name/i],
      ['box', /already/],
    ];
    for (const [name, said] of names)
      expect(await refusal('POST', '/1.0/instances', { name, source }), name).toMatch(said);
    await expectInventory(server, before);
  });

  test('an image and a recipe that nobody knows', async () => {
    const unknown = { name: 'new', source: { type: 'image', alias: 'nothing-like-it' } };
    expect(await refusal('POST', '/1.0/instances', unknown)).toMatch(/not found|no image/i);
    const recipe = { name: 'new', source: { type: 'image', recipe: 'nothing' } };
    expect(await refusal('POST', '/1.0/instances', recipe)).toContain('no recipe "nothing"');
    expect(await statusOf('new')).toBe('absent');
  });
});

/** Uploads it, and makes an instance of it when that went well: the archive is refused by one of the two. */
async function refusalOfImage(archive: Buffer): Promise<string> {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(archive.length) };
  const fingerprints = async () => (await rest.get('/1.0/images')).body.metadata as string[];
  const before = await fingerprints();
  const atImport = await refusal('POST', '/1.0/images', archive, headers);
  const [added] = (await fingerprints()).filter((url) => !before.includes(url));
  if (added === undefined) return atImport;
  const fingerprint = added.split('/').at(-1);
  const said = await refusal('POST', '/1.0/instances', { name: 'hostile', source: { type: 'image', fingerprint } });
  expect(await statusOf('hostile')).toBe('absent');
  await rest.finish('DELETE', added);
  return said;
}

describe('a corrupt or hostile image', () => {
  test.each(hostileArchives(outside))('%s', async (_what, archive) => {
    const before = inventoryOf(server);
    const said = await refusalOfImage(archive);
    // A sentence for people, and nothing of our insides.
    expect(said).toMatch(/^[A-Za-z].{10,}/);
    expect(said).not.toMatch(/undefined|TypeError|\[object/);
    expect(readdirSync(outside)).toEqual([]);
    await expectInventory(server, before);
  });
});

describe('a pool without space', () => {
  test('a create fails clearly and leaves nothing; after a delete it works', async () => {
    const pool = { name: 'small', driver: 'btrfs', config: { size: '256MiB' } };
    expect(await refusal('POST', '/1.0/storage-pools', pool)).toBe('');
    const devices = { root: { type: 'disk', path: '/', pool: 'small' } };
    await rest.finish('POST', '/1.0/instances', { name: 'fills', source, devices, start: true });
    const command = ['sh', '-c', 'cat /dev/zero > /full; sync; test -s /full'];
    const filled = await rest.finish('POST', '/1.0/instances/fills/exec', { command });
    expect(filled.metadata.return).toBe(0);
    const big = { name: 'rootfs/big', content: Buffer.alloc(64 * 1024 ** 2, 'stapes') };
    const archive = tarOf([
      metadata,
      directory('rootfs'),
      directory('rootfs/dev'),
      directory('rootfs/proc'),
      directory('rootfs/sys'),
      big,
    ]);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(archive.length) };
    expect(await refusal('POST', '/1.0/images', archive, headers)).toBe('');
    const images = (await rest.get('/1.0/images?recursion=1')).body.metadata as {
      fingerprint: string;
      properties: { os: string };
    }[];
    const fingerprint = images.find(({ properties }) => properties.os === 'hostile')?.fingerprint;
    const wanted = { name: 'late', source: { type: 'image', fingerprint }, devices };
    const before = inventoryOf(server);
    expect(await refusal('POST', '/1.0/instances', wanted)).toMatch(/space|full/i);
    const { rows, subvolumes, files, links } = inventoryOf(server);
    expect({ rows, subvolumes, files, links }).toEqual({
      rows: before.rows,
      subvolumes: before.subvolumes,
      files: before.files,
      links: before.links,
    });
    expect(await statusOf('late')).toBe('absent');
    await rest.finish('PUT', '/1.0/instances/fills/state', { action: 'stop', force: true, timeout: 60 });
    await rest.finish('DELETE', '/1.0/instances/fills');
    expect(await refusal('POST', '/1.0/instances', wanted)).toBe('');
    expect(await statusOf('late')).toBe('Stopped');
    await rest.finish('DELETE', '/1.0/instances/late');
    await rest.finish('DELETE', `/1.0/images/${fingerprint}`);
    expect(await refusal('DELETE', '/1.0/storage-pools/small', undefined)).toBe('');
  });
});

function pidOfDnsmasq(): number {
  const networks = join(server.stateDir, 'networks');
  const network = readdirSync(networks).find((name) => !name.startsWith('.')) ?? '';
  return Number(readFileSync(join(networks, network, 'dnsmasq.pid'), 'utf8'));
}
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
const pidsOf = (part: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid).includes(part));

describe('what dies beside the server', () => {
  test('dnsmasq is started again, and gives addresses', async () => {
    const before = pidOfDnsmasq();
    expect(commandOf(before)).toContain('dnsmasq');
    process.kill(before, 'SIGKILL');
    await until(
      'another dnsmasq',
      60_000,
      () => pidOfDnsmasq() !== before && commandOf(pidOfDnsmasq()).includes('dnsmasq'),
    );
    await rest.finish('POST', '/1.0/instances', { name: 'after', source, start: true });
    await until('an address', 60_000, async () => {
      const { network } = (await rest.get('/1.0/instances/after/state')).body.metadata;
      return (network?.eth0?.addresses ?? []).some(({ family }: { family: string }) => family === 'inet');
    });
    await rest.finish('PUT', '/1.0/instances/after/state', { action: 'stop', force: true, timeout: 60 });
    await rest.finish('DELETE', '/1.0/instances/after');
  });

  test("a container's LXC monitor: the list says what is, and it can be started again", async () => {
    await rest.finish('POST', '/1.0/instances', { name: 'watched', source, start: true });
    const monitors = () => pidsOf('[lxc monitor]');
    const init = (await rest.get('/1.0/instances/watched/state')).body.metadata.pid as number;
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1]);
    expect(monitors()).toContain(parent);
    process.kill(parent, 'SIGKILL');
    await until('the loss to be noticed', 60_000, async () => (await statusOf('watched')) !== 'Running');
    await refusal('PUT', '/1.0/instances/watched/state', { action: 'stop', force: true, timeout: 60 });
    await until('it to be stopped', 60_000, async () => (await statusOf('watched')) === 'Stopped');
    await rest.finish('PUT', '/1.0/instances/watched/state', { action: 'start', timeout: 60 });
    expect((await rest.finish('POST', '/1.0/instances/watched/exec', { command: ['true'] })).metadata.return).toBe(0);
    // Changes are followed after it, too.
    await killInit('watched');
    await until('its end to be noticed', 60_000, async () => (await statusOf('watched')) === 'Stopped');
    await rest.finish('DELETE', '/1.0/instances/watched');
  });

  async function killInit(name: string): Promise<void> {
    const { pid } = (await rest.get(`/1.0/instances/${name}/state`)).body.metadata;
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }

  test('init: an instance is stopped by that, and an ephemeral one is deleted', async () => {
    await rest.finish('POST', '/1.0/instances', { name: 'stays', source, start: true });
    await rest.finish('POST', '/1.0/instances', { name: 'goes', source, ephemeral: true, start: true });
    await killInit('stays');
    await killInit('goes');
    await until('the end to be noticed', 60_000, async () => (await statusOf('stays')) === 'Stopped');
    const instances = () => inventoryOf(server).rows.filter((row) => row.startsWith('instances '));
    await until('the ephemeral one to go', 60_000, () => !instances().some((row) => row.includes('"goes"')));
    const rows = instances();
    // Not meant to run any more, so that a restart of the host does not start it.
    expect(rows.find((row) => row.includes('"stays"'))).toContain('"desired":"stopped"');
    expect(await statusOf('goes')).toBe('absent');
    await rest.finish('DELETE', '/1.0/instances/stays');
  });
});
