import { rmSync } from 'node:fs';
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

test('the host and its resources are told', async () => {
  expect(await client.lxc('info')).toMatch(/driver_version: \d+\.\d+/);
  expect(await client.lxc('info', '--resources')).toMatch(/CPU[^]*Memory[^]*Total/);
});
