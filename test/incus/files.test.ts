import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/server.ts';
import { type Fixture, image, type LxcClient, missing, pidOf, runProgram, startFixture } from './client.ts';

let fixture: Fixture;
let client: LxcClient;
let folder = '';
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  folder = join(client.directory, 'files');
  mkdirSync(folder);
  await client.lxc('launch', image, 'box');
  await client.lxc('init', image, 'off');
});
afterAll(() => fixture?.end());

const inside = (...command: string[]) => client.lxc('exec', 'box', '--', ...command);
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe.each(['box', 'off'])('files of %s', (name) => {
  test('push and pull of 5 MB, bit for bit', async () => {
    const bytes = randomBytes(5 * 1024 * 1024);
    writeFileSync(join(folder, 'big'), bytes);
    await client.lxc('file', 'push', join(folder, 'big'), `${name}/root/big`);
    await client.lxc('file', 'pull', `${name}/root/big`, join(folder, 'back'));
    expect(hashOf(readFileSync(join(folder, 'back')))).toBe(hashOf(bytes));
  });

  test('mode, owner and group', async () => {
    writeFileSync(join(folder, 'script'), '#!/bin/sh\necho ran\n');
    await client.lxc(
      'file',
      'push',
      '--mode',
      '0750',
      '--uid',
      '12',
      '--gid',
      '34',
      join(folder, 'script'),
      `${name}/root/script`,
    );
    const head = await fixture.server.rest.call('GET', `/1.0/instances/${name}/files?path=/root/script`);
    expect(head.headers).toMatchObject({
      'x-lxd-mode': '0750',
      'x-lxd-uid': '12',
      'x-incus-gid': '34',
      'x-incus-type': 'file',
    });
    if (name === 'box') expect(await inside('stat', '-c', '%u %g %a', '/root/script')).toBe('12 34 750');
  });

  test('stdin and stdout, new folders, an existing one', async () => {
    const pushed = await client.run(['file', 'push', '-p', '-', `${name}/root/new/deeper/file`], {
      input: 'from stdin',
    });
    expect(pushed.code, pushed.stderr).toBe(0);
    expect(await client.lxc('file', 'pull', `${name}/root/new/deeper/file`, '-')).toBe('from stdin');
    await client.lxc('file', 'push', join(folder, 'script'), `${name}/tmp/`);
    expect(await client.lxc('file', 'pull', `${name}/tmp/script`, '-')).toContain('echo ran');
    expect(await client.fail('file', 'push', join(folder, 'script'), `${name}/no/such/folder/x`)).not.toBe('');
    expect(await client.fail('file', 'pull', `${name}/no/such/file`, '-')).toMatch(missing);
  });

  test('a tree with a link, there and back', async () => {
    const tree = join(folder, `tree-${name}`);
    mkdirSync(join(tree, 'sub'), { recursive: true });
    writeFileSync(join(tree, 'sub/file'), 'deep');
    chmodSync(join(tree, 'sub/file'), 0o600);
    symlinkSync('sub/file', join(tree, 'link'));
    await client.lxc('file', 'push', '-r', tree, `${name}/root/`);
    const target = join(folder, `back-${name}`);
    mkdirSync(target);
    await client.lxc('file', 'pull', '-r', `${name}/root/tree-${name}`, target);
    const back = join(target, `tree-${name}`);
    expect(readFileSync(join(back, 'sub/file'), 'utf8')).toBe('deep');
    expect(lstatSync(join(back, 'link')).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(back, 'link'))).toBe('sub/file');
    expect(lstatSync(join(back, 'sub/file')).mode & 0o777).toBe(0o600);
  });

  test('edit and delete', async () => {
    // The client opens its stdin by name, which takes a file or a pipe.
    writeFileSync(join(folder, 'edited'), 'edited');
    const line = 'exec lxc file edit "$1" < "$2"';
    const edited = await runProgram('sh', ['-c', line, 'sh', `${name}/tmp/script`, join(folder, 'edited')], {
      environment: client.environment,
    });
    expect(edited.code, edited.stderr).toBe(0);
    expect(await client.lxc('file', 'pull', `${name}/tmp/script`, '-')).toBe('edited');
    await client.lxc('file', 'delete', `${name}/tmp/script`);
    expect(await client.fail('file', 'pull', `${name}/tmp/script`, '-')).toMatch(missing);
  });

  test('a link to the host leads nowhere', async () => {
    writeFileSync('/var/tmp/stapes-test-host-secret', 'secret of the host');
    await client.run(['file', 'push', '-', `${name}/root/x`], { input: 'x' });
    const link = await fixture.server.rest.call(
      'POST',
      `/1.0/instances/${name}/files?path=/root/escape`,
      '/var/tmp/stapes-test-host-secret',
      { 'x-incus-type': 'symlink' },
    );
    expect(link.status).toBe(200);
    const through = await fixture.server.rest.get(
      `/1.0/instances/${name}/files?path=/root/../../../../var/tmp/stapes-test-host-secret`,
    );
    expect(through.raw.toString()).not.toContain('secret of the host');
    await fixture.server.rest.call('POST', `/1.0/instances/${name}/files?path=/root/out`, '/var/tmp', {
      'x-incus-type': 'symlink',
    });
    const beneath = await fixture.server.rest.get(
      `/1.0/instances/${name}/files?path=/root/out/stapes-test-host-secret`,
    );
    expect(beneath.raw.toString()).not.toContain('secret of the host');
  });
});

describe('console and query', () => {
  test('console --show-log has what was written to the console', async () => {
    await inside('sh', '-c', 'echo marker-on-console > /dev/console');
    await until('the text in the log', 20_000, async () =>
      (await client.lxc('console', 'box', '--show-log')).includes('marker-on-console'),
    );
  });

  test('the console can be attached to and left', async () => {
    const result = await client.runOnPty(['console', 'box'], {
      typed: [
        { after: /enter Ctrl\+a itself|login:/, text: '\r' },
        { after: /login:/, text: '' },
        ...Array.from({ length: 20 }, () => ['\x01', 'q'].map((text) => ({ after: /(?:)/, text }))).flat(),
      ],
      timeoutMs: 60_000,
    });
    expect(result.stdout).toMatch(/login:/);
    expect(await pidOf(client, 'box')).toBeGreaterThan(0);
  });

  test('query: answers, operations, errors, raw answers', async () => {
    expect(await client.json<string[]>('query', '/1.0/instances')).toEqual([
      '/1.0/instances/box',
      '/1.0/instances/off',
    ]);
    expect(await client.json('query', '--raw', '/1.0/instances')).toMatchObject({
      type: 'sync',
      status_code: 200,
      error: '',
      error_code: 0,
    });
    await client.lxc('query', '-X', 'PATCH', '--wait', '-d', '{"config":{"user.patched":"1"}}', '/1.0/instances/box');
    expect(await client.lxc('config', 'get', 'box', 'user.patched')).toBe('1');
    expect(await client.fail('query', '/1.0/nothing')).toMatch(missing);
    expect(await client.fail('query', '-X', 'PUT', '-d', '{"__proto__":{"a":1}}', '/1.0/instances/box')).toMatch(
      /__proto__/,
    );
    expect(await client.json('query', '/1.0/projects')).toEqual(['/1.0/projects/default']);
  });

  test('recorded output of a command without sockets', async () => {
    const ended = await fixture.server.rest.finish('POST', '/1.0/instances/box/exec', {
      command: ['sh', '-c', 'echo out; echo err >&2; exit 6'],
      'record-output': true,
    });
    expect(ended.metadata.return).toBe(6);
    expect((await fixture.server.rest.get(ended.metadata.output['1'])).raw.toString()).toBe('out\n');
    expect((await fixture.server.rest.get(ended.metadata.output['2'])).raw.toString()).toBe('err\n');
    expect((await fixture.server.rest.get('/1.0/instances/box/logs/exec-output')).body.metadata).toHaveLength(2);
    await fixture.server.rest.call('DELETE', ended.metadata.output['1']);
    expect((await fixture.server.rest.get(ended.metadata.output['1'])).status).toBe(404);
  });
});
