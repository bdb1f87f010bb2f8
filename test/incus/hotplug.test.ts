import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/server.ts';
import { type Fixture, image, listed, type LxcClient, startFixture } from './client.ts';

let fixture: Fixture;
let client: LxcClient;
let shared: string;
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  shared = join(client.directory, 'shared');
  mkdirSync(shared);
  chmodSync(shared, 0o755);
  writeFileSync(join(shared, 'note'), 'of the host\n');
  await client.lxc('network', 'create', 'second');
  await client.lxc('launch', image, 'box');
});
afterAll(() => fixture?.end());

const inside = async (...command: string[]) => client.lxc('exec', 'box', '--', ...command);
const mounted = async () => inside('cat', '/proc/mounts');
const device = (...args: string[]) => client.lxc('config', 'device', ...args);

test('a disk is there at once, changes at once and goes at once', async () => {
  await device('add', 'box', 'data', 'disk', `source=${shared}`, 'path=/srv/data', 'shift=true');
  expect(await inside('cat', '/srv/data/note')).toBe('of the host');
  await inside('touch', '/srv/data/mine');
  expect(existsSync(join(shared, 'mine'))).toBe(true);
  await device('set', 'box', 'data', 'readonly=true');
  expect(await client.fail('exec', 'box', '--', 'touch', '/srv/data/other')).toMatch(/read-only/i);
  await client.run(['exec', 'box', '--', 'mount', '-o', 'remount,bind,rw', '/srv/data']);
  expect(await client.fail('exec', 'box', '--', 'touch', '/srv/data/other')).toMatch(/read-only/i);
  await device('set', 'box', 'data', 'path=/opt/moved');
  expect(await inside('cat', '/opt/moved/note')).toBe('of the host');
  expect(await mounted()).not.toContain('/srv/data');
  await device('remove', 'box', 'data');
  expect(await mounted()).not.toContain('/opt/moved');
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(shared);
});

test('a disk of a profile, too', async () => {
  await client.lxc('profile', 'create', 'with-data');
  await client.lxc('profile', 'add', 'box', 'with-data');
  await client.lxc('profile', 'device', 'add', 'with-data', 'more', 'disk', `source=${shared}`, 'path=/srv/more');
  expect(await inside('cat', '/srv/more/note')).toBe('of the host');
  await client.lxc('profile', 'remove', 'box', 'with-data');
  expect(await mounted()).not.toContain('/srv/more');
  await client.lxc('profile', 'delete', 'with-data');
});

test('a NIC is there at once, with an address of its network; a new hardware address plugs it anew', async () => {
  const nics = async () => (await listed(client, 'box')).state!.network as unknown as Record<string, Nic>;
  const first = { hwaddr: (await nics())['eth0']!.hwaddr };
  // Sorts before eth0 of the profile, which keeps its name.
  await device('add', 'box', 'alpha', 'nic', 'network=second');
  expect(await nics()).toMatchObject({
    eth0: first,
    eth1: {},
  });
  const dhcp = ['udhcpc', '-n', '-q', '-t', '10', '-T', '1', '-i', 'eth1', '-s', '/usr/share/udhcpc/default.script'];
  await inside(...dhcp);
  const subnet = (await client.lxc('network', 'get', 'second', 'ipv4.address')).split('.').slice(0, 3).join('.');
  await until('an address of its network', 30_000, async () =>
    (await nics())['eth1']!.addresses.some(({ address }) => address.startsWith(`${subnet}.`)),
  );
  await device('set', 'box', 'alpha', 'hwaddr=10:66:6a:12:34:56');
  expect((await nics())['eth1']).toMatchObject({ hwaddr: '10:66:6a:12:34:56' });
  await device('set', 'box', 'alpha', 'network=second', 'limits.ingress=5Mbit');
  await fixture.server.kill('SIGKILL');
  await fixture.server.start();
  expect((await nics())['eth1']).toMatchObject({ hwaddr: '10:66:6a:12:34:56' });
  await device('remove', 'box', 'alpha');
  expect(Object.keys(await nics()).sort()).toEqual(['eth0', 'lo']);
  // The first one never noticed.
  expect(await nics()).toMatchObject({ eth0: first });
});

interface Nic {
  hwaddr: string;
  addresses: { address: string }[];
}

test('what cannot be plugged in now is told, and waits for the next start', async () => {
  const { rest } = fixture.server;
  const absent = { type: 'disk', source: join(client.directory, 'absent'), path: '/srv/absent' };
  const { metadata } = await rest.finish('PATCH', '/1.0/instances/box', { devices: { absent } });
  expect(metadata).toMatchObject({
    pending_restart: ['devices.absent'],
    warnings: [expect.stringContaining('does not exist on this host')],
  });
  mkdirSync(absent.source);
  await client.lxc('restart', 'box', '--force');
  expect(await mounted()).toContain('/srv/absent');
  await device('remove', 'box', 'absent');
  expect(await mounted()).not.toContain('/srv/absent');
});
