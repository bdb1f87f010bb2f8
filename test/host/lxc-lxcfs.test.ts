import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { LxcFixture, until } from './lxc-fixture.ts';

const fixture = new LxcFixture();
const driver = createLxcDriver({ stateDir: fixture.stateDir });
afterAll(async () => {
  for (const id of (await driver.inspectAll()).keys()) await driver.removeConfigured({ id });
  fixture.remove();
});

async function memTotalKiB(): Promise<number> {
  const spec = fixture.spec(fixture.busyboxRootfs(`lxcfs${Date.now()}`), {
    limits: { memoryBytes: 100 * 1024 * 1024, disk: [], nic: [] },
  });
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  const exec = await driver.can.exec!.command(spec.ref, {
    command: ['cat', '/proc/meminfo'],
    environment: { PATH: '/bin' },
  });
  const { stdout } = await run(exec.file, exec.args, { env: exec.env });
  await driver.removeConfigured(spec.ref);
  return Number(/^MemTotal:\s+(\d+)/m.exec(stdout)?.[1]);
}

test.skipIf(!existsSync('/usr/bin/lxcfs') || !existsSync('/dev/fuse'))(
  'instances see their own memory while lxcfs runs, and start without it when it has died',
  async () => {
    expect(await memTotalKiB()).toBeGreaterThan(100 * 1024);
    const lxcfs = spawn('lxcfs', ['-f', '-p', `${fixture.stateDir}/lxcfs.pid`, '/var/lib/lxcfs'], { stdio: 'ignore' });
    await until('lxcfs', () => / \/var\/lib\/lxcfs .* fuse\.lxcfs /.test(readFileSync('/proc/self/mountinfo', 'utf8')));
    await until('its files', () => existsSync('/var/lib/lxcfs/proc/uptime'));
    expect(await memTotalKiB()).toBe(100 * 1024);
    const ended = new Promise((done) => lxcfs.on('close', done));
    lxcfs.kill('SIGKILL');
    await ended;
    expect(await memTotalKiB()).toBeGreaterThan(100 * 1024);
  },
);
