import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import type { InstanceEvent } from '@stapes/runtime/instances/driver';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { cgroupExists } from '@stapes/runtime/instances/lxc/lxc-cgroups';
import { stateId } from '@stapes/runtime/host/state-id';
import { linkExists, LxcFixture, sh, until } from './lxc-fixture.ts';

const fixture = new LxcFixture();
const driver = createLxcDriver({ stateDir: fixture.stateDir });
beforeAll(() => {
  sh('ip', 'link', 'add', 'brtest', 'type', 'bridge');
  sh('ip', 'link', 'set', 'brtest', 'up');
});
afterAll(() => fixture.remove());

test('an unprivileged container starts, is seen, freezes, thaws, runs commands and leaves nothing', async () => {
  const nic = { device: 'eth0', name: 'eth0', hostName: 'vethtest1', hwaddr: '10:66:6a:00:00:01', bridge: 'brtest' };
  const spec = fixture.spec(fixture.busyboxRootfs('one'), { nics: [nic], environment: { GREETING: 'hello "you"' } });
  const { ref } = spec;
  const events: InstanceEvent[] = [];
  const stop = new AbortController();
  const watching = driver.watch((event) => events.push(event), stop.signal);
  await driver.ensureConfigured(spec);
  expect((await driver.inspect(ref)).status).toBe('Stopped');
  await driver.ensureStarted(ref);
  await driver.ensureStarted(ref);
  const seen = await driver.inspect(ref);
  expect(seen.status).toBe('Running');
  expect(Math.abs(seen.startedAtMs - Date.now())).toBeLessThan(60_000);
  expect(await driver.inspectAll()).toEqual(new Map([[ref.id, seen]]));
  expect(linkExists('vethtest1')).toBe(true);

  const command = await driver.can.exec!.command(ref, {
    command: ['sh', '-c', 'echo $A; pwd; id -u; cat /proc/self/uid_map; exit 7'],
    environment: { A: 'b c', PATH: '/bin' },
    cwd: '/tmp',
  });
  const result = await run(command.file, command.args, { env: command.env, okCodes: [7] });
  expect(result.stdout.split('\n').slice(0, 3)).toEqual(['b c', '/tmp', '0']);
  expect(result.stdout).toContain(String(spec.idmap!.hostBase));

  await driver.ensureFrozen(ref, true);
  expect((await driver.inspect(ref)).status).toBe('Frozen');
  await driver.ensureFrozen(ref, false);
  expect((await driver.inspect(ref)).status).toBe('Running');
  await until('the console log', async () => (await driver.can.consoleLog!.read(ref)).includes('console says hello'));

  await driver.ensureFrozen(ref, true);
  await driver.ensureStopped(ref, { graceMs: 0, force: true });
  expect((await driver.inspect(ref)).status).toBe('Stopped');
  expect(linkExists('vethtest1')).toBe(false);
  await until('the last event', () => events.at(-1)?.status === 'Stopped');
  expect(
    events.map((event) => event.status).filter((status) => status !== 'Starting' && status !== 'Stopping'),
  ).toEqual(['Running', 'Frozen', 'Running', 'Frozen', 'Stopped']);
  await driver.removeConfigured(ref);
  expect(existsSync(`${fixture.stateDir}/instances/${ref.id}`)).toBe(false);
  expect(cgroupExists(`stapes-${stateId(fixture.stateDir)}`)).toBe(false);
  stop.abort();
  await watching;
});

test('it shuts down by itself when asked, and a start that cannot work says why', async () => {
  const spec = fixture.spec(fixture.busyboxRootfs('two'));
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  await until('its init to be ready', async () => (await driver.can.consoleLog!.read(spec.ref)).includes('hello'));
  await driver.ensureStopped(spec.ref, { graceMs: 60_000, force: false });
  const broken = fixture.spec('/nonexistent/rootfs', { idmap: null });
  await driver.ensureConfigured(broken);
  await expect(driver.ensureStarted(broken.ref)).rejects.toThrow(/did not start/);
  await driver.removeConfigured(broken.ref);
  await driver.removeConfigured(spec.ref);
});
