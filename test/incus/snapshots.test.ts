import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/server.ts';
import { type Fixture, image, listed, type LxcClient, missing, pidOf, startFixture, taken } from './client.ts';

let fixture: Fixture;
let client: LxcClient;
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  await client.lxc('launch', image, 'box');
});
afterAll(() => fixture?.end());

const write = (text: string) => client.lxc('exec', 'box', '--', 'sh', '-c', 'printf %s "$1" > /root/file', 'sh', text);
const read = (name = 'box') => client.lxc('exec', name, '--', 'cat', '/root/file');
const snapshots = async () => ((await listed(client, 'box')).snapshots ?? []).map(({ name }) => name);

describe('snapshots', () => {
  test('named and unnamed ones', async () => {
    await write('one');
    await client.lxc('snapshot', 'box', 'first');
    await write('two');
    await client.lxc('snapshot', 'box');
    expect(await snapshots()).toEqual(['first', 'snap0']);
    expect(await client.lxc('list', 'box', '-c', 'S', '--format', 'csv')).toBe('2');
    expect(await client.lxc('info', 'box')).toMatch(/Snapshots:[\s\S]*first[\s\S]*snap0/);
    expect(await client.fail('snapshot', 'box', 'first')).toMatch(taken);
    expect(await client.fail('snapshot', 'box', 'a b')).not.toBe('');
  });

  test('restore of a running one brings the files back and leaves it running', async () => {
    await client.lxc('config', 'set', 'box', 'user.note=later');
    await write('three');
    const pid = await pidOf(client, 'box');
    await client.lxc('restore', 'box', 'first');
    expect((await listed(client, 'box')).status).toBe('Running');
    expect(await pidOf(client, 'box')).not.toBe(pid);
    expect(await read()).toBe('one');
    expect((await listed(client, 'box')).config['user.note']).toBeUndefined();
    expect(await snapshots()).toEqual(['first', 'snap0']);
    expect(await client.fail('restore', 'box', 'nothing')).toMatch(missing);
  });

  test('a copy of a snapshot, and of an instance without its snapshots', async () => {
    await client.lxc('copy', 'box/snap0', 'from-snap');
    await client.lxc('start', 'from-snap');
    expect(await read('from-snap')).toBe('two');
    expect((await listed(client, 'from-snap')).snapshots ?? []).toEqual([]);
    await client.lxc('stop', 'box', '--force');
    await client.lxc('copy', 'box', 'bare', '--instance-only');
    expect((await listed(client, 'bare')).snapshots ?? []).toEqual([]);
    expect(await client.lxc('file', 'pull', 'bare/root/file', '-')).toBe('one');
    await client.lxc('delete', '--force', 'from-snap', 'bare');
    await client.lxc('start', 'box');
  });

  test('rename, show, expiry, delete', async () => {
    await client.lxc('rename', 'box/snap0', 'box/second');
    expect(await snapshots()).toEqual(['first', 'second']);
    expect(await client.lxc('config', 'show', 'box/second')).toMatch(/^name: second$/m);
    await client.lxc('delete', 'box/second');
    expect(await snapshots()).toEqual(['first']);
    await client.lxc('snapshot', 'box', 'first', '--reuse');
    expect(await snapshots()).toEqual(['first']);
  });
});

describe('operations and events', () => {
  test('a running command is listed, shown and can be cancelled', async () => {
    const command = client.run(['exec', 'box', '--', 'sleep', '600']);
    let id = '';
    await until('the operation of the command', 20_000, async () => {
      const list = await client.json<{ id: string; description: string; status: string }[]>(
        'operation',
        'list',
        '--format',
        'json',
      );
      id = list.find(({ description, status }) => /command/i.test(description) && status === 'Running')?.id ?? '';
      return id !== '';
    });
    expect(await client.lxc('operation', 'list')).toContain(id);
    expect(await client.lxc('operation', 'show', id)).toMatch(/status: Running/);
    await client.lxc('operation', 'delete', id);
    expect((await command).code).not.toBe(0);
    await until(
      'the process to end',
      20_000,
      async () => !(await client.lxc('exec', 'box', '--', 'ps')).includes('sleep 600'),
    );
    expect(await client.fail('operation', 'show', '00000000-0000-4000-8000-000000000000')).toMatch(missing);
  });

  test('monitor shows what happens, in order and without what was not asked for', async () => {
    const monitor = spawn('lxc', ['monitor', '--type=lifecycle', '--format=json'], {
      env: client.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      let output = '';
      monitor.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const events = () =>
        output
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as { type: string; metadata: { action: string; source: string } });
      // It listens some time after it has started: poke until something is heard.
      let count = 0;
      await until('the first event', 30_000, async () => {
        await client.lxc('config', 'set', 'box', `user.poke=${count++}`);
        return events().length > 0;
      });
      await client.lxc('stop', 'box', '--force');
      await client.lxc('start', 'box');
      await until('the start to be told', 20_000, () =>
        events().some(({ metadata }) => metadata.action === 'instance-started'),
      );
      const actions = events().map(({ metadata }) => metadata.action);
      expect(actions).toContain('instance-updated');
      expect(actions.lastIndexOf('instance-started')).toBeGreaterThan(
        actions.findIndex((action) => /^instance-(stopped|shutdown)$/.test(action)),
      );
      expect(events().every(({ type }) => type === 'lifecycle')).toBe(true);
      expect(events().find(({ metadata }) => metadata.action === 'instance-started')?.metadata.source).toContain(
        '/1.0/instances/box',
      );
    } finally {
      monitor.kill();
    }
  });
});
