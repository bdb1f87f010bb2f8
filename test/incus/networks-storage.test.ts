import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { until } from '../support/server.ts';
import { type Fixture, image, listed, type LxcClient, missing, runProgram, startFixture, taken } from './client.ts';

let fixture: Fixture;
let client: LxcClient;
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  await client.lxc('launch', image, 'box');
});
afterAll(() => fixture?.end());

interface Network {
  name: string;
  managed: boolean;
  type: string;
  config: Record<string, string>;
  used_by: string[];
}

describe('networks', () => {
  let bridge = '';

  test('list has the bridge and the interfaces of the host', async () => {
    const all = await client.json<Network[]>('network', 'list', '--format', 'json');
    const managed = all.filter((network) => network.managed);
    expect(managed).toHaveLength(1);
    expect(managed[0]?.type).toBe('bridge');
    bridge = managed[0]?.name ?? '';
    expect(await client.lxc('network', 'list')).toMatch(new RegExp(`${bridge}\\s+\\|\\s+bridge\\s+\\|\\s+YES`));
    expect((await runProgram('ip', ['link', 'show', bridge])).code).toBe(0);
  });

  test('show, info, leases', async () => {
    const shown = parse(await client.lxc('network', 'show', bridge)) as Network;
    expect(shown.config['ipv4.address']).toMatch(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
    expect(shown.used_by).toContain('/1.0/instances/box');
    const addresses = await runProgram('ip', ['-4', '-o', 'addr', 'show', bridge]);
    expect(addresses.stdout).toContain(`inet ${shown.config['ipv4.address']}`);
    expect(await client.lxc('network', 'info', bridge)).toMatch(new RegExp(`^Name: ${bridge}$`, 'm'));
    let address = '';
    await until('an address', 60_000, async () => {
      address =
        (await listed(client, 'box')).state?.network?.eth0?.addresses.find(({ family }) => family === 'inet')
          ?.address ?? '';
      return address !== '';
    });
    expect(await client.lxc('network', 'list-leases', bridge)).toContain(address);
    expect(await client.fail('network', 'show', 'nothing0')).toMatch(missing);
  });

  test('create, set, edit, delete: the interface comes and goes', async () => {
    await client.lxc('network', 'create', 'testbr1', 'ipv4.address=10.97.3.1/24', 'ipv6.address=none');
    expect((await runProgram('ip', ['-4', '-o', 'addr', 'show', 'testbr1'])).stdout).toContain('inet 10.97.3.1/24');
    expect(await client.fail('network', 'create', 'testbr1')).toMatch(taken);
    await client.lxc('network', 'set', 'testbr1', 'user.note=x');
    expect(await client.lxc('network', 'get', 'testbr1', 'user.note')).toBe('x');
    expect(await client.fail('network', 'set', 'testbr1', 'ipv4.address=nonsense')).toMatch(/ipv4\.address/);
    await client.lxc('network', 'delete', 'testbr1');
    expect((await runProgram('ip', ['link', 'show', 'testbr1'])).code).not.toBe(0);
    expect(await client.fail('network', 'delete', bridge)).toMatch(/use/i);
  });

  test('attach and detach hold over starts', async () => {
    await client.lxc('network', 'create', 'testbr2', 'ipv4.address=10.97.4.1/24', 'ipv6.address=none');
    await client.lxc('network', 'attach', 'testbr2', 'box', 'eth1');
    await client.lxc('restart', 'box', '--force');
    await client.lxc('exec', 'box', '--', 'ip', 'link', 'show', 'eth1');
    await client.lxc('network', 'detach', 'testbr2', 'box');
    await client.lxc('restart', 'box', '--force');
    expect((await client.run(['exec', 'box', '--', 'ip', 'link', 'show', 'eth1'])).code).not.toBe(0);
    await client.lxc('network', 'delete', 'testbr2');
  });
});

describe('storage', () => {
  let pool = '';

  test('list and show', async () => {
    const pools = await client.json<{ name: string; driver: string; used_by: string[] }[]>(
      'storage',
      'list',
      '--format',
      'json',
    );
    expect(pools).toHaveLength(1);
    pool = pools[0]?.name ?? '';
    expect(['btrfs', 'dir']).toContain(pools[0]?.driver);
    expect(pools[0]?.used_by).toContain('/1.0/instances/box');
    expect(await client.lxc('storage', 'list')).toMatch(new RegExp(`${pool}\\s+\\|\\s+${pools[0]?.driver}`));
    expect(parse(await client.lxc('storage', 'show', pool))).toMatchObject({ name: pool, driver: pools[0]?.driver });
    expect(await client.fail('storage', 'show', 'nothing')).toMatch(missing);
  });

  test('info has space', async () => {
    const info = await client.lxc('storage', 'info', pool);
    expect(info).toMatch(/space used: [\d.]+ ?[KMG]i?B/);
    expect(info).toMatch(/total space: [\d.]+ ?[KMGT]i?B/);
  });

  test('volumes of instances and images', async () => {
    const volumes = await client.lxc('storage', 'volume', 'list', pool);
    expect(volumes).toMatch(/container\s+\|\s+box/);
  });

  test('create a directory pool, use it, delete it', async () => {
    await client.lxc('storage', 'create', 'plain', 'dir');
    expect(await client.fail('storage', 'create', 'plain', 'dir')).toMatch(taken);
    expect(await client.fail('storage', 'create', 'odd', 'nonsense')).not.toBe('');
    await client.lxc('launch', image, 'on-plain', '-s', 'plain');
    expect(await client.lxc('exec', 'on-plain', '--', 'cat', '/proc/1/comm')).not.toBe('');
    expect(await client.fail('storage', 'delete', 'plain')).toMatch(/use/i);
    await client.lxc('delete', '--force', 'on-plain');
    await client.lxc('storage', 'delete', 'plain');
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain('/plain/');
  });
});
