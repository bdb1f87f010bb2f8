import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestServer } from '../support/server.ts';
import { image, listed, LxcClient } from './client.ts';

/** A new server, which has no image yet. */
let server: TestServer;
let client: LxcClient;
beforeAll(async () => {
  server = new TestServer();
  client = new LxcClient(server);
  await server.start();
});
afterAll(async () => {
  await server?.destroy();
  if (client) rmSync(client.directory, { recursive: true, force: true });
});

test('launch of an image that only a recipe has builds it first', async () => {
  expect(await client.json('image', 'list', '--format', 'json')).toEqual([]);
  await client.lxc('launch', image, 'one');
  expect((await listed(client, 'one')).status).toBe('Running');
  const images = await client.json<{ aliases: { name: string }[] }[]>('image', 'list', '--format', 'json');
  expect(images.map(({ aliases }) => aliases.map(({ name }) => name))).toEqual([[image]]);
});

test('copy takes the snapshots along, and goes to another pool', async () => {
  await client.lxc('snapshot', 'one', 'before');
  await client.lxc('stop', '--force', 'one');
  await client.lxc('storage', 'create', 'plain', 'dir');
  await client.lxc('copy', 'one', 'two', '--storage', 'plain');
  await client.lxc('copy', 'one', 'three', '--instance-only');
  expect((await listed(client, 'two')).snapshots?.map(({ name }) => name)).toEqual(['before']);
  expect((await listed(client, 'three')).snapshots ?? []).toEqual([]);
  await client.lxc('start', 'two');
  expect(await client.lxc('exec', 'two', '--', 'hostname')).toBe('two');
});

test('a running instance is copied to another pool, from btrfs and from a directory, and runs on', async () => {
  await client.lxc('start', 'one');
  const name = async (instance: string) => client.lxc('exec', instance, '--', 'cat', '/root/note');
  for (const [from, to, pool] of [
    ['one', 'four', 'plain'],
    ['two', 'five', 'default'],
    ['two', 'six', 'plain'],
  ] as const) {
    await client.lxc('exec', from, '--', 'sh', '-c', `echo of ${from} >/root/note`);
    await client.lxc('copy', from, to, '--storage', pool, '--instance-only');
    expect((await listed(client, from)).status).toBe('Running');
    await client.lxc('start', to);
    expect(await name(to)).toBe(`of ${from}`);
  }
  await client.lxc('snapshot', 'two', 'while-it-runs');
  expect((await listed(client, 'two')).status).toBe('Running');
  const left = (pool: string) => readdirSync(join(server.stateDir, 'storage-pools', pool, 'snapshots'));
  const kept = readdirSync(join(server.stateDir, 'storage-pools')).flatMap((pool) =>
    left(pool).flatMap((volume) => readdirSync(join(server.stateDir, 'storage-pools', pool, 'snapshots', volume))),
  );
  // That of `one`, its copy of `two`, and the last one.
  expect(kept).toHaveLength(3);
});

test('the host and its resources are told', async () => {
  expect(await client.lxc('info')).toMatch(/driver_version: \d+\.\d+/);
  expect(await client.lxc('info', '--resources')).toMatch(/CPU[^]*Memory[^]*Total/);
});
