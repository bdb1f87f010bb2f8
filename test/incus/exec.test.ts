import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, image, type LxcClient, missing, startFixture } from './client.ts';

let fixture: Fixture;
let client: LxcClient;
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  await client.lxc('launch', image, 'box', '-c', 'environment.COLOUR=green');
});
afterAll(() => fixture?.end());

const sh = (script: string) => client.run(['exec', 'box', '--', 'sh', '-c', script]);

describe('exit codes', () => {
  test.each([
    ['exit 0', 0],
    ['exit 3', 3],
    ['exit 255', 255],
    ['kill -TERM $$', 143],
    ['kill -KILL $$', 137],
  ])('%s', async (script, code) => {
    expect((await sh(script)).code).toBe(code);
  });

  test('127 for a command that is not there, 126 for one that cannot run', async () => {
    expect((await client.run(['exec', 'box', '--', 'no-such-command'])).code).toBe(127);
    expect((await client.run(['exec', 'box', '--', '/etc/passwd'])).code).toBe(126);
  });
});

describe('streams', () => {
  test('stdout and stderr apart', async () => {
    const result = await sh('echo out; echo err >&2');
    expect([result.stdout, result.stderr]).toEqual(['out\n', 'err\n']);
  });

  test('10 MB through and back, bit for bit', async () => {
    const input = randomBytes(10 * 1024 * 1024);
    const result = await client.run(['exec', 'box', '--', 'cat'], { input });
    expect(result.code).toBe(0);
    expect(createHash('sha256').update(result.bytes).digest('hex')).toBe(
      createHash('sha256').update(input).digest('hex'),
    );
  });

  test('a command that reads nothing does not wait for its input', async () => {
    expect((await client.run(['exec', 'box', '--', 'true'], { input: Buffer.alloc(4 * 1024 * 1024) })).code).toBe(0);
  });

  test('much output, and a reader that stops', async () => {
    const result = await sh('head -c 20000000 /dev/zero');
    expect(result.bytes).toHaveLength(20_000_000);
    expect((await sh('for i in 1 2 3; do echo $i; done; exec 1>&-; exit 4')).code).toBe(4);
  });

  test('a daemon that is left behind does not hold the client', async () => {
    const result = await sh('sleep 1000 & echo started');
    expect(result.stdout).toBe('started\n');
    expect(result.code).toBe(0);
  });
});

describe('surroundings', () => {
  test('environment: of the server, the instance and the request, in this order', async () => {
    const lines = (await client.lxc('exec', 'box', '--env', 'SHAPE=round', '--', 'env')).split('\n');
    expect(lines).toContain('COLOUR=green');
    expect(lines).toContain('SHAPE=round');
    expect(lines).toContain('HOME=/root');
    expect(lines).toContain('USER=root');
    expect(lines.some((line) => /^PATH=.*\/usr\/bin/.test(line))).toBe(true);
    expect((await client.lxc('exec', 'box', '--env', 'COLOUR=red', '--', 'env')).split('\n')).toContain('COLOUR=red');
  });

  test('working directory and user', async () => {
    expect(await client.lxc('exec', 'box', '--', 'pwd')).toBe('/root');
    expect(await client.lxc('exec', 'box', '--cwd', '/etc', '--', 'pwd')).toBe('/etc');
    expect(
      await client.lxc(
        'exec',
        'box',
        '--user',
        '1000',
        '--group',
        '1001',
        '--cwd',
        '/',
        '--',
        'sh',
        '-c',
        'id -u; id -g',
      ),
    ).toBe('1000\n1001');
    expect(await client.lxc('exec', 'box', '--', 'id', '-u')).toBe('0');
  });

  test('arguments arrive as they are', async () => {
    const words = ["it's", '$HOME', 'a b', '', '"', '`id`', '--', '-n', 'ü\n2'];
    const result = await client.run([
      'exec',
      'box',
      '--',
      'sh',
      '-c',
      'for word; do printf "<%s>" "$word"; done',
      'sh',
      ...words,
    ]);
    expect(result.stdout).toBe(words.map((word) => `<${word}>`).join(''));
  });

  test('it runs in the namespaces and the cgroup of the container', async () => {
    expect((await client.lxc('exec', 'box', '--', 'hostname')).trim()).toBe('box');
    expect(await client.lxc('exec', 'box', '--', 'cat', '/proc/1/comm')).toMatch(/init|busybox|sh/);
    const own = await client.lxc('exec', 'box', '--', 'sh', '-c', 'ls /proc | grep -c "^[0-9]"');
    expect(Number(own)).toBeLessThan(60);
  });
});

describe('terminal', () => {
  test("forced interactive is a terminal of the client's size", async () => {
    const result = await client.runOnPty(['exec', 'box', '-t', '--', 'sh', '-c', 'tty; stty size; exit 7']);
    expect(result.stdout).toMatch(/\/dev\/(pts\/\d+|console)/);
    expect(result.stdout).toMatch(/\d+ \d+/);
    expect(result.code).toBe(7);
  });

  test('input is typed, and ^C interrupts', async () => {
    const ask = 'printf "ready\\n"; read line; echo "got <$line>"; exit 5';
    const result = await client.runOnPty(['exec', 'box', '-t', '--', 'sh', '-c', ask], {
      typed: [{ after: /ready/, text: 'hello\r' }],
    });
    expect(result.stdout).toContain('got <hello>');
    expect(result.code).toBe(5);
    const loop = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 1; done';
    const interrupted = await client.runOnPty(['exec', 'box', '-t', '--', 'sh', '-c', loop], {
      typed: [{ after: /ready/, text: '\x03' }],
    });
    expect(interrupted.stdout).toContain('caught');
    expect(interrupted.code).toBe(9);
  });
});

test('a stopped instance and one that is not there', async () => {
  await client.lxc('init', image, 'off');
  expect(await client.fail('exec', 'off', '--', 'true')).toMatch(/not running|start it/i);
  expect(await client.fail('exec', 'nobody', '--', 'true')).toMatch(missing);
});

test('20 at once', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, (_, index) => sh(`echo ${index}; exit ${index}`)));
  expect(results.map(({ code, stdout }) => [code, stdout])).toEqual(results.map((_, index) => [index, `${index}\n`]));
});
