import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateId } from '@stapes/runtime/host/state-id';
import Database from 'libsql';
import { afterAll, expect, test } from 'vitest';
import { TestServer, until } from '../support/server.ts';

/** What a server may find when it starts. */
const made: TestServer[] = [];
function newServer(...given: ConstructorParameters<typeof TestServer>): TestServer {
  const server = new TestServer(...given);
  made.push(server);
  return server;
}
afterAll(async () => {
  for (const server of made) await server.destroy();
});

/** Starts a server that has to refuse; returns what it said. */
async function refusalToStart(server: TestServer): Promise<string> {
  const error = await server.start().then(
    () => null,
    (reason: Error) => reason.message,
  );
  expect(error, 'it should not start').not.toBeNull();
  // Its exit code, and a line for people.
  expect(error).toMatch(/^The server ended \(1\)/);
  expect(error).not.toMatch(/\n\s+at /);
  return error ?? '';
}

function edit(server: TestServer, sql: string, ...values: string[]): void {
  const database = new Database(join(server.stateDir, 'database', 'stapes.db'), { timeout: 5000 });
  database.prepare(sql).run(values);
  database.close();
}

const source = { type: 'image', recipe: 'busybox' };
const main = newServer();

test('two servers on one directory: the second one refuses, the first one goes on', async () => {
  await main.start();
  const second = newServer(main.stateDir, 8444);
  expect(await refusalToStart(second)).toMatch(/Another Stapes server \(pid \d+\) uses .*STAPES_DIR/);
  expect((await main.rest.get('/1.0')).status).toBe(200);
});

test('a port in use: a clear error and exit code 1; two ports, two servers', async () => {
  const taken: Server = createServer();
  await new Promise<void>((done) => taken.listen(8555, '127.0.0.1', done));
  const other = newServer(mkdtempSync('/var/tmp/stapes-test-'), 8555);
  try {
    expect(await refusalToStart(other)).toMatch(/127\.0\.0\.1:8555 is taken .*STAPES_LISTEN/);
  } finally {
    await new Promise((done) => taken.close(done));
  }
  // The same one as soon as the port is free, beside the first server.
  await other.start();
  expect((await other.rest.get('/1.0')).status).toBe(200);
  const bridges = async (server: TestServer) =>
    ((await server.rest.get('/1.0/networks?recursion=1')).body.metadata as { name: string; managed: boolean }[])
      .filter(({ managed }) => managed)
      .map(({ name }) => name);
  expect(await bridges(other)).not.toEqual(await bridges(main));
});

test('a corrupt row: the server starts, the list leaves it out, and says so', async () => {
  for (const name of ['good', 'bad']) await main.rest.finish('POST', '/1.0/instances', { name, source });
  await main.kill('SIGTERM');
  edit(main, "UPDATE instances SET config = '{\"half' WHERE name = ?", 'bad');
  await main.start();
  expect((await main.rest.get('/1.0/instances')).body.metadata).toEqual(['/1.0/instances/good']);
  expect(main.output).toMatch(/row cannot be read/);
  const { unreadable } = (await main.rest.get('/1.0')).body.metadata;
  expect(unreadable).toMatchObject([{ table: expect.stringMatching(/instance/i), reason: expect.stringMatching(/./) }]);
  const asked = await main.rest.get('/1.0/instances/bad');
  expect(asked.status).toBeGreaterThanOrEqual(400);
  expect(asked.body.error).not.toBe('');
  // The good one is as before, and the name of the bad one is not given away.
  await main.rest.finish('PUT', '/1.0/instances/good/state', { action: 'start', timeout: 60 });
  const again = await main.rest.call('POST', '/1.0/instances', { name: 'bad', source });
  const refused =
    again.status === 202 ? (await main.rest.get(`${again.body.operation}/wait`)).body.metadata.err : again.body.error;
  expect(refused).not.toBe('');
  await main.kill('SIGTERM');
  edit(main, "UPDATE instances SET config = '{}' WHERE name = ?", 'bad');
  await main.start();
  expect((await main.rest.get('/1.0/instances')).body.metadata).toHaveLength(2);
  await main.rest.finish('DELETE', '/1.0/instances/bad');
});

test('the host restarts: pools, networks and instances come back', async () => {
  const { rest, stateDir } = main;
  const wish = { 'boot.autostart': 'true' };
  await rest.finish('POST', '/1.0/instances', { name: 'always', source, config: wish });
  await rest.finish('POST', '/1.0/instances', {
    name: 'never',
    source,
    config: { 'boot.autostart': 'false' },
    start: true,
  });
  await rest.finish('POST', '/1.0/instances', { name: 'fleeting', source, ephemeral: true, start: true });
  await main.kill('SIGKILL');
  forgetEverythingRunning(stateDir);
  // Another boot, to which nothing of the last one is known.
  edit(main, 'UPDATE settings SET value = ? WHERE key = ?', 'another boot', 'state.boot');
  await main.start();
  const statusOf = async (name: string) =>
    ((await rest.get(`/1.0/instances/${name}`)).body.metadata?.status as string | undefined) ?? 'absent';
  await until(
    'autostart',
    90_000,
    async () => (await statusOf('always')) === 'Running' && (await statusOf('good')) === 'Running',
  );
  await until('the ephemeral one to go', 60_000, async () => (await statusOf('fleeting')) === 'absent');
  expect(await statusOf('never')).toBe('Stopped');
  expect(readFileSync('/proc/self/mounts', 'utf8')).toContain(`${stateDir}/storage-pools/`);
  for (const name of ['good', 'always']) {
    expect((await rest.finish('POST', `/1.0/instances/${name}/exec`, { command: ['true'] })).metadata.return).toBe(0);
    await until(`an address of ${name}`, 60_000, async () => {
      const { network } = (await rest.get(`/1.0/instances/${name}/state`)).body.metadata;
      return (network?.eth0?.addresses ?? []).some(({ family }: { family: string }) => family === 'inet');
    });
  }
});

/** Leaves what a reboot leaves: the state directory. */
function forgetEverythingRunning(stateDir: string): void {
  const script = `
    for try in 1 2 3 4 5; do
      for proc in /proc/[0-9]*; do
        cat $proc/cmdline 2>/dev/null | tr '\\0' ' ' | grep -qF "$1/" && kill -9 "\${proc#/proc/}" 2>/dev/null
      done
      for proc in /proc/[0-9]*; do
        [ "$(readlink $proc/ns/net)" = "$(readlink /proc/self/ns/net)" ] || kill -9 "\${proc#/proc/}" 2>/dev/null
      done
      sleep 0.2
    done
    for link in $(ls /sys/class/net); do [ "$link" = lo ] || ip link del "$link" 2>/dev/null; done
    nft flush ruleset
    grep -F "$1/" /proc/self/mounts | cut -d' ' -f2 | sort -r | while read -r at; do umount -l "$at"; done
    rm -rf /run/lxc
    find /sys/fs/cgroup -depth -type d -path "*/stapes-$2/*" -exec rmdir {} + 2>/dev/null
    true`;
  const id = stateId(stateDir);
  execFileSync('bash', ['-c', script, 'reboot', stateDir, id]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(`${stateDir}/`);
  expect(readdirSync('/sys/class/net')).toEqual(['lo']);
}

test('a database of a newer version is refused, and left as it is', async () => {
  await main.kill('SIGTERM');
  const columns = 'id, checksum, migration_name, finished_at, applied_steps_count';
  edit(
    main,
    `INSERT INTO _prisma_migrations (${columns}) VALUES (?, ?, ?, 1, 1)`,
    'x',
    'y',
    '99990101000000_from_the_future',
  );
  expect(await refusalToStart(main)).toMatch(/newer than this program.*99990101000000_from_the_future.*update Stapes/s);
  edit(main, 'DELETE FROM _prisma_migrations WHERE id = ?', 'x');
  await main.start();
  expect((await main.rest.get('/1.0/instances')).body.metadata).toContain('/1.0/instances/good');
});
