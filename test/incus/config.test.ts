import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  cgroupValues,
  type Fixture,
  image,
  listed,
  type LxcClient,
  missing,
  pidOf,
  startFixture,
  taken,
} from './client.ts';

let fixture: Fixture;
let client: LxcClient;
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  await client.lxc('launch', image, 'box');
});
afterAll(() => fixture?.end());

interface Shown {
  name: string;
  description: string;
  config: Record<string, string>;
  devices: Record<string, Record<string, string>>;
  profiles: string[];
}
const show = async (...args: string[]) => parse(await client.lxc('config', 'show', 'box', ...args)) as Shown;

/** `lxc config edit` reads YAML from stdin. */
async function edit(args: string[], change: (shown: Shown) => void, current: string) {
  const shown = parse(current) as Shown;
  change(shown);
  return client.run(args, { input: stringify(shown) });
}

describe('config', () => {
  test('set, get, unset', async () => {
    await client.lxc('config', 'set', 'box', 'user.note=hello', 'user.other=1');
    expect(await client.lxc('config', 'get', 'box', 'user.note')).toBe('hello');
    await client.lxc('config', 'unset', 'box', 'user.note');
    expect(await client.lxc('config', 'get', 'box', 'user.note')).toBe('');
    expect((await show()).config['user.other']).toBe('1');
    expect(await client.fail('config', 'set', 'box', 'no.such.key=1')).toMatch(/no\.such\.key/);
    expect(await client.fail('config', 'set', 'box', 'boot.autostart=maybe')).toMatch(/boot\.autostart/);
    expect(await client.fail('config', 'set', 'box', 'limits.memory=-5')).toMatch(/limits\.memory/);
    expect(await client.fail('config', 'set', 'nobody', 'user.a=b')).toMatch(missing);
  });

  test('a line break in a value does not get into the configuration of LXC', async () => {
    expect(await client.fail('config', 'set', 'box', 'environment.X=a\nlxc.hook.start-host = /bin/true')).not.toBe('');
    expect((await show()).config['environment.X']).toBeUndefined();
  });

  test('limits reach the cgroup of the running container', async () => {
    const pid = await pidOf(client, 'box');
    await client.lxc('config', 'set', 'box', 'limits.memory=96MiB');
    expect(cgroupValues(pid, 'memory', 'memory.limit_in_bytes')).toContain(String(96 * 1024 * 1024));
    await client.lxc('config', 'set', 'box', 'limits.processes=123');
    expect(cgroupValues(pid, 'pids', 'pids.max')).toContain('123');
    await client.lxc('config', 'set', 'box', 'limits.cpu.allowance=25ms/100ms');
    expect(cgroupValues(pid, 'cpu', 'cpu.cfs_quota_us')).toContain('25000');
    await client.lxc('config', 'set', 'box', 'limits.cpu=1');
    expect(cgroupValues(pid, 'cpuset', 'cpuset.cpus')[0]).toMatch(/^\d+$/);
    await client.lxc('config', 'unset', 'box', 'limits.memory');
    expect(cgroupValues(pid, 'memory', 'memory.limit_in_bytes')).not.toContain(String(96 * 1024 * 1024));
    await client.lxc('config', 'unset', 'box', 'limits.processes');
    expect(cgroupValues(pid, 'pids', 'pids.max')).not.toContain('123');
    expect(await pidOf(client, 'box')).toBe(pid);
  });

  test('show, with and without what comes from profiles', async () => {
    const shown = await show();
    expect(shown.profiles).toEqual(['default']);
    expect(Object.keys(shown.devices)).toEqual([]);
    expect(Object.keys((await show('--expanded')).devices).sort()).toEqual(['eth0', 'root']);
  });

  test('edit from stdin; a broken one changes nothing', async () => {
    const current = await client.lxc('config', 'show', 'box');
    const good = await edit(
      ['config', 'edit', 'box'],
      (shown) => {
        shown.description = 'edited';
        shown.config['user.edited'] = 'yes';
        shown.config['limits.cpu'] = '1';
        delete shown.config['user.other'];
      },
      current,
    );
    expect(good.code, good.stderr).toBe(0);
    const shown = await show();
    expect([shown.description, shown.config['user.edited'], shown.config['user.other']]).toEqual([
      'edited',
      'yes',
      undefined,
    ]);
    const bad = await edit(
      ['config', 'edit', 'box'],
      (value) => (value.config['limits.cpu'] = 'many'),
      await client.lxc('config', 'show', 'box'),
    );
    expect(bad.code).not.toBe(0);
    expect(bad.stderr).toMatch(/limits\.cpu/);
    expect((await show()).config['limits.cpu']).toBe('1');
  });

  test('a change in between is noticed', async () => {
    const { rest } = fixture.server;
    const before = await rest.get('/1.0/instances/box');
    await client.lxc('config', 'set', 'box', 'user.between=1');
    const late = await rest.call('PUT', '/1.0/instances/box', before.body.metadata, {
      'if-match': String(before.headers.etag),
    });
    expect(late.status).toBe(412);
    expect((await show()).config['user.between']).toBe('1');
  });

  test('of the server', async () => {
    await client.lxc('config', 'set', 'user.greeting=hi');
    expect(await client.lxc('config', 'get', 'user.greeting')).toBe('hi');
    expect(await client.lxc('config', 'show')).toContain('user.greeting: hi');
    await client.lxc('config', 'unset', 'user.greeting');
    expect(await client.lxc('config', 'get', 'user.greeting')).toBe('');
  });
});

describe('devices', () => {
  test('a disk is still there after another start, and gone after one without it', async () => {
    const source = `${fixture.client.directory}/shared`;
    mkdirSync(source);
    writeFileSync(`${source}/file`, 'from the host');
    await client.lxc(
      'config',
      'device',
      'add',
      'box',
      'data',
      'disk',
      `source=${source}`,
      'path=/data',
      'readonly=true',
    );
    expect(await client.lxc('config', 'device', 'list', 'box')).toBe('data');
    expect(await client.lxc('config', 'device', 'get', 'box', 'data', 'path')).toBe('/data');
    expect(await client.lxc('config', 'device', 'show', 'box')).toContain('readonly: "true"');
    await client.lxc('restart', 'box', '--force');
    expect(await client.lxc('exec', 'box', '--', 'cat', '/data/file')).toBe('from the host');
    expect((await client.run(['exec', 'box', '--', 'touch', '/data/x'])).code).not.toBe(0);
    expect(await client.fail('config', 'device', 'add', 'box', 'data', 'disk', `source=${source}`, 'path=/d2')).toMatch(
      taken,
    );
    await client.lxc('config', 'device', 'remove', 'box', 'data');
    expect(await client.lxc('config', 'device', 'list', 'box')).toBe('');
    await client.lxc('restart', 'box', '--force');
    expect((await client.run(['exec', 'box', '--', 'test', '-e', '/data/file'])).code).not.toBe(0);
  });

  test("override of a profile's, set and unset of an own one", async () => {
    await client.lxc('config', 'device', 'override', 'box', 'eth0', 'limits.ingress=10Mbit');
    expect((await show()).devices.eth0?.['limits.ingress']).toBe('10Mbit');
    await client.lxc('config', 'device', 'set', 'box', 'eth0', 'limits.ingress=20Mbit');
    expect(await client.lxc('config', 'device', 'get', 'box', 'eth0', 'limits.ingress')).toBe('20Mbit');
    await client.lxc('config', 'device', 'unset', 'box', 'eth0', 'limits.ingress');
    await client.lxc('config', 'device', 'remove', 'box', 'eth0');
    expect((await listed(client, 'box')).devices).toEqual({});
    expect(await client.fail('config', 'device', 'add', 'box', 'odd', 'nonsense')).not.toBe('');
  });
});

describe('profiles', () => {
  test('create, edit, show, list', async () => {
    await client.lxc('profile', 'create', 'small');
    expect(await client.fail('profile', 'create', 'small')).toMatch(taken);
    const text = await client.lxc('profile', 'show', 'small');
    const edited = await edit(
      ['profile', 'edit', 'small'],
      (shown) => {
        shown.description = 'Small ones';
        shown.config = { 'limits.memory': '80MiB', 'user.from': 'profile' };
      },
      text,
    );
    expect(edited.code, edited.stderr).toBe(0);
    expect(await client.lxc('profile', 'get', 'small', 'limits.memory')).toBe('80MiB');
    await client.lxc('profile', 'set', 'small', 'user.more=1');
    await client.lxc('profile', 'unset', 'small', 'user.more');
    const list = await client.json<{ name: string; description: string }[]>('profile', 'list', '--format', 'json');
    expect(list.map(({ name }) => name).sort()).toEqual(['default', 'small']);
    expect(await client.lxc('profile', 'list')).toMatch(/small\s+\|\s*(Small ones\s+\|\s*)?0/);
  });

  test('add applies it to a running instance, a change follows, remove takes it back', async () => {
    const pid = await pidOf(client, 'box');
    await client.lxc('profile', 'add', 'box', 'small');
    expect((await show()).profiles).toEqual(['default', 'small']);
    expect((await show('--expanded')).config['user.from']).toBe('profile');
    expect(cgroupValues(pid, 'memory', 'memory.limit_in_bytes')).toContain(String(80 * 1024 * 1024));
    await client.lxc('profile', 'set', 'small', 'limits.memory=70MiB');
    expect(cgroupValues(pid, 'memory', 'memory.limit_in_bytes')).toContain(String(70 * 1024 * 1024));
    expect(await client.lxc('profile', 'show', 'small')).toContain('/1.0/instances/box');
    expect(await client.fail('profile', 'delete', 'small')).toMatch(/use/i);
    await client.lxc('profile', 'remove', 'box', 'small');
    expect((await show()).profiles).toEqual(['default']);
    expect(await client.fail('profile', 'add', 'box', 'nothing')).toMatch(missing);
  });

  test('rename, copy, assign, delete; default stays', async () => {
    await client.lxc('profile', 'rename', 'small', 'tiny');
    await client.lxc('profile', 'copy', 'tiny', 'tiny2');
    expect(await client.lxc('profile', 'get', 'tiny2', 'limits.memory')).toBe('70MiB');
    await client.lxc('profile', 'assign', 'box', 'default,tiny2');
    expect((await show()).profiles).toEqual(['default', 'tiny2']);
    await client.lxc('profile', 'assign', 'box', 'default');
    await client.lxc('profile', 'device', 'add', 'tiny', 'none', 'none');
    expect(await client.lxc('profile', 'device', 'list', 'tiny')).toBe('none');
    await client.lxc('profile', 'delete', 'tiny');
    await client.lxc('profile', 'delete', 'tiny2');
    expect(await client.fail('profile', 'delete', 'default')).not.toBe('');
    expect(await client.fail('profile', 'show', 'tiny')).toMatch(missing);
  });
});
