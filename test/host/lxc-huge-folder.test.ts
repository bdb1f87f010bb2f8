import { closeSync, existsSync, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileTarget, MachineSpec } from '@stapes/runtime/instances/driver';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { LxcFixture, sh } from './lxc-fixture.ts';

const fixture = new LxcFixture();
const driver = createLxcDriver({ stateDir: fixture.stateDir });
const files = driver.can.files!;
const count = 100_000;
let spec: MachineSpec;
const at = (path: string): FileTarget => ({ ref: spec.ref, rootfs: spec.rootfs, idmap: spec.idmap, path });

const server = createServer((_request, response) => void response.end('here'));
const ask = () =>
  new Promise<void>((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    get({ host: '127.0.0.1', port }, (response) => void response.resume().on('end', resolve)).on('error', reject);
  });

/** How many requests this very process answers while it works. */
async function answeredDuring<T>(work: () => Promise<T>): Promise<{ result: T; answered: number }> {
  let ended = false;
  let answered = 0;
  const working = work().finally(() => void (ended = true));
  const asking = (async () => {
    while (!ended) {
      await ask();
      if (!ended) answered++;
    }
  })();
  const result = await working;
  await asking;
  return { result, answered };
}

function fill(folder: string, from: number, to: number): void {
  for (let at = from; at < to; at++) closeSync(openSync(join(folder, `file-${String(at).padStart(6, '0')}`), 'w'));
}

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  spec = fixture.spec(fixture.busyboxRootfs('guest'));
  mkdirSync(join(spec.rootfs, 'huge'));
  fill(join(spec.rootfs, 'huge'), 0, count);
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
}, 300_000);
afterAll(async () => {
  server.close();
  await driver.removeConfigured(spec.ref);
  fixture.remove();
});

test('a folder of 100,000 entries is listed while other requests are answered', async () => {
  const { result, answered } = await answeredDuring(() => files.stat(at('/huge')));
  expect(result.entries).toHaveLength(count);
  expect(result.entries?.at(-1)).toBe('file-099999');
  expect(answered).toBeGreaterThan(5);
}, 300_000);

test('one with more is refused in the same way', async () => {
  fill(join(spec.rootfs, 'huge'), count, count + 1);
  await expect(files.stat(at('/huge'))).rejects.toMatchObject({ code: 'too-large' });
}, 300_000);

test('it is removed with all that is in it while other requests are answered', async () => {
  const outside = join(fixture.stateDir, 'outside');
  mkdirSync(join(outside, 'kept'), { recursive: true });
  symlinkSync(outside, join(spec.rootfs, 'huge', 'link'));
  mkdirSync(join(spec.rootfs, 'huge', 'a/b/c'), { recursive: true });
  fill(join(spec.rootfs, 'huge', 'a/b'), 0, 100);
  await expect(files.remove(at('/huge'), { recursive: false })).rejects.toMatchObject({ code: 'in-use' });
  const { answered } = await answeredDuring(() => files.remove(at('/huge'), { recursive: true }));
  expect(answered).toBeGreaterThan(50);
  await expect(files.stat(at('/huge'))).rejects.toMatchObject({ code: 'not-found' });
  expect(existsSync(join(outside, 'kept'))).toBe(true);
}, 300_000);

test('a mount of the guest in it is not entered', async () => {
  mkdirSync(join(spec.rootfs, 'with-mount/deep/mount'), { recursive: true });
  const shell = await driver.can.exec!.command(spec.ref, {
    command: ['mount', '-t', 'tmpfs', 'tmpfs', '/with-mount/deep/mount'],
    environment: { PATH: '/bin' },
  });
  sh(shell.file, ...shell.args);
  await expect(files.remove(at('/with-mount'), { recursive: true })).rejects.toMatchObject({ code: 'in-use' });
});
