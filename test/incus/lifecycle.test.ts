import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/server.ts';
import {
  type Fixture,
  image,
  listed,
  type LxcClient,
  missing,
  pidOf,
  runProgram,
  startFixture,
  taken,
} from './client.ts';

let fixture: Fixture;
let client: LxcClient;
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
});
afterAll(() => fixture?.end());

const statusOf = async (name: string) => (await listed(client, name)).status;

describe('launch', () => {
  test('makes a running container with an address that the host sees', async () => {
    const output = await client.lxc('launch', image, 'one');
    expect(output).toContain('one');
    expect(await statusOf('one')).toBe('Running');
    const pid = await pidOf(client, 'one');
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    let address = '';
    await until('an address from DHCP', 60_000, async () => {
      const { state } = await listed(client, 'one');
      address = state?.network?.eth0?.addresses.find(({ family }) => family === 'inet')?.address ?? '';
      return address !== '';
    });
    const inside = await runProgram('nsenter', ['-t', String(pid), '-n', 'ip', '-4', '-o', 'addr', 'show', 'eth0']);
    expect(inside.stdout).toContain(`inet ${address}/`);
    expect((await runProgram('ping', ['-c', '1', '-W', '5', address])).code).toBe(0);
  });

  test('is unprivileged: its root is nobody on the host', async () => {
    const pid = await pidOf(client, 'one');
    const map = (await runProgram('cat', [`/proc/${pid}/uid_map`])).stdout.trim().split(/\s+/).map(Number);
    expect(map[0]).toBe(0);
    expect(map[1]).toBeGreaterThanOrEqual(100_000);
  });

  test('a taken or impossible name and an unknown image say what is wrong', async () => {
    expect(await client.fail('launch', image, 'one')).toMatch(taken);
    expect(await client.fail('launch', image, '-bad')).not.toBe('');
    expect(await client.fail('launch', image, '123')).toMatch(/digits/i);
    expect(await client.fail('launch', 'nothing-like-it', 'two')).toMatch(missing);
    expect((await client.lxc('list', '-c', 'n', '--format', 'csv')).split('\n')).toEqual(['one']);
  });

  test('makes a name up', async () => {
    const output = await client.lxc('launch', image, '-e');
    const name = /(?:name is|Creating|Starting)[: ]+([a-zA-Z0-9-]+)\s*$/m.exec(output)?.[1] ?? '';
    const names = (await client.lxc('list', '-c', 'n', '--format', 'csv')).split('\n');
    expect(names).toHaveLength(2);
    expect(names).toContain(name);
    // Ephemeral: gone when it is stopped.
    expect((await listed(client, name)).ephemeral).toBe(true);
    await client.lxc('stop', '--force', name);
    await until(
      'the ephemeral one to go',
      30_000,
      async () => !(await client.lxc('list', '-c', 'n', '--format', 'csv')).includes(name),
    );
  });
});

describe('init, start, stop, restart, pause', () => {
  test('init leaves it stopped, with what was asked', async () => {
    await client.lxc('init', image, 'two', '-c', 'user.note=hello', '-c', 'limits.memory=64MiB');
    const two = await listed(client, 'two');
    expect(two.status).toBe('Stopped');
    expect(two.config).toMatchObject({ 'user.note': 'hello', 'limits.memory': '64MiB' });
    await client.lxc('start', 'two');
    expect(await statusOf('two')).toBe('Running');
  });

  test('stop ends its processes; twice is an error', async () => {
    const pid = await pidOf(client, 'two');
    await client.lxc('stop', 'two', '--timeout', '20');
    expect(await statusOf('two')).toBe('Stopped');
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(await client.fail('stop', 'two')).toMatch(/not running|stopped/i);
    await client.lxc('start', 'two');
    expect(await client.fail('start', 'two')).toMatch(/running/i);
    await client.lxc('stop', 'two', '--force');
    expect(await statusOf('two')).toBe('Stopped');
  });

  test('restart gives it another init', async () => {
    const before = await pidOf(client, 'one');
    await client.lxc('restart', 'one', '--force');
    expect(await statusOf('one')).toBe('Running');
    expect(await pidOf(client, 'one')).not.toBe(before);
    expect(existsSync(`/proc/${before}`)).toBe(false);
  });

  test('pause freezes it on the host, start thaws it', async () => {
    const pid = await pidOf(client, 'one');
    await client.lxc('pause', 'one');
    expect(await statusOf('one')).toBe('Frozen');
    expect(await client.fail('exec', 'one', '--', 'true')).not.toBe('');
    await client.lxc('start', 'one');
    expect(await statusOf('one')).toBe('Running');
    expect(await pidOf(client, 'one')).toBe(pid);
    await client.lxc('exec', 'one', '--', 'true');
  });

  test('several at once, and all', async () => {
    await client.lxc('init', image, 'three');
    await client.lxc('start', 'two', 'three');
    expect([await statusOf('two'), await statusOf('three')]).toEqual(['Running', 'Running']);
    await client.lxc('stop', '--all', '--force');
    for (const name of ['one', 'two', 'three']) expect(await statusOf(name)).toBe('Stopped');
    await client.lxc('start', 'one');
  });
});

describe('info', () => {
  test('of the server', async () => {
    const info = await client.lxc('info');
    expect(info).toMatch(/api_version: "1\.0"/);
    expect(info).toMatch(/auth: trusted/);
    expect(info).toMatch(/driver: lxc/);
  });

  test('of an instance', async () => {
    const info = await client.lxc('info', 'one');
    expect(info).toMatch(/^Name: one$/m);
    expect(info).toMatch(/^Status: RUNNING$/m);
    expect(info).toMatch(/^Type: container$/m);
    expect(info).toContain(`PID: ${await pidOf(client, 'one')}`);
    expect(info).toMatch(/Memory \(current\): \d/);
    expect(info).toMatch(/eth0:/);
    expect(await client.lxc('info', 'one', '--show-log')).toMatch(/^Log:$/m);
    expect(await client.fail('info', 'nobody')).toMatch(missing);
  });

  test('of the hardware', async () => {
    const resources = await client.lxc('info', '--resources');
    expect(resources).toMatch(/CPU/);
    expect(resources).toMatch(/Memory:/);
  });
});

describe('rename, copy, delete', () => {
  test('rename keeps everything and needs it stopped', async () => {
    expect(await client.fail('rename', 'one', 'uno')).toMatch(/stop|running/i);
    await client.lxc('rename', 'two', 'deux');
    const two = await listed(client, 'deux');
    expect(two.config['user.note']).toBe('hello');
    expect(await client.fail('info', 'two')).toMatch(missing);
    await client.lxc('start', 'deux');
    expect((await client.lxc('exec', 'deux', '--', 'hostname')).trim()).toBe('deux');
    expect(await client.fail('rename', 'three', 'deux')).toMatch(taken);
  });

  test('copy brings the files, not the identity', async () => {
    await client.lxc('exec', 'deux', '--', 'sh', '-c', 'echo data > /root/file');
    await client.lxc('stop', 'deux', '--force');
    await client.lxc('copy', 'deux', 'copied', '-c', 'user.note=other');
    const copied = await listed(client, 'copied');
    expect(copied.config['user.note']).toBe('other');
    expect(copied.config['limits.memory']).toBe('64MiB');
    await client.lxc('start', 'deux', 'copied');
    expect(await client.lxc('exec', 'copied', '--', 'cat', '/root/file')).toBe('data');
    const [before, after] = [await listed(client, 'deux'), await listed(client, 'copied')];
    expect(after.config['volatile.eth0.hwaddr']).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect(after.config['volatile.eth0.hwaddr']).not.toBe(before.config['volatile.eth0.hwaddr']);
    // Two file systems.
    await client.lxc('exec', 'copied', '--', 'rm', '/root/file');
    expect(await client.lxc('exec', 'deux', '--', 'cat', '/root/file')).toBe('data');
  });

  test('delete refuses a running one, forced takes it, and leaves nothing', async () => {
    expect(await client.fail('delete', 'deux')).toMatch(/stop|running/i);
    const pid = await pidOf(client, 'deux');
    const hostNic =
      (
        await client
          .json<Record<string, { host_name: string }>>('query', '/1.0/instances/deux/state')
          .then((state) => (state as unknown as { network: Record<string, { host_name: string }> }).network)
      ).eth0?.host_name ?? '';
    expect(hostNic).not.toBe('');
    expect((await runProgram('ip', ['link', 'show', hostNic])).code).toBe(0);
    await client.lxc('delete', '--force', 'deux');
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect((await runProgram('ip', ['link', 'show', hostNic])).code).not.toBe(0);
    await client.lxc('stop', 'copied', '--force');
    await client.lxc('delete', 'copied', 'three');
    expect((await client.lxc('list', '-c', 'n', '--format', 'csv')).split('\n')).toEqual(['one']);
    expect(await client.fail('delete', 'three')).toMatch(missing);
  });

  test('a protected one is not deleted', async () => {
    await client.lxc('init', image, 'kept', '-c', 'security.protection.delete=true');
    expect(await client.fail('delete', 'kept')).toMatch(/protect/i);
    await client.lxc('config', 'set', 'kept', 'security.protection.delete=false');
    await client.lxc('delete', 'kept');
  });
});
