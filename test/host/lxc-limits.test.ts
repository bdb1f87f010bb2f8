import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import { spawnPty } from '@stapes/runtime/host/pty';
import { IdmappedMounts } from '@stapes/runtime/host/idmapped-mounts';
import type { Limits, MachineSpec } from '@stapes/runtime/instances/driver';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { blockDeviceOf } from '@stapes/runtime/instances/lxc/lxc-limits';
import { shiftRootfs } from '@stapes/runtime/instances/lxc/shift';
import { LxcFixture, sh, until } from './lxc-fixture.ts';

const fixture = new LxcFixture();
const driver = createLxcDriver({ stateDir: fixture.stateDir });
const none: Limits = { disk: [], nic: [] };
beforeAll(() => {
  sh('ip', 'link', 'add', 'brlim', 'type', 'bridge');
  sh('ip', 'link', 'set', 'brlim', 'up');
});
afterAll(async () => {
  for (const id of (await driver.inspectAll()).keys()) await driver.removeConfigured({ id });
  fixture.remove();
});

async function attach(spec: MachineSpec, command: string[], changes: object = {}) {
  const exec = await driver.can.exec!.command(spec.ref, { command, environment: { PATH: '/bin' }, ...changes });
  return run(exec.file, exec.args, { env: exec.env, okCodes: Array.from({ length: 256 }, (_, code) => code) });
}

/** A limit as the kernel keeps it, in whichever layout this host has. */
async function limitFile(spec: MachineSpec, controller: string, file: string): Promise<string> {
  const { pid } = await driver.inspect(spec.ref);
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .find((entry) => entry.split(':')[1]!.split(',').includes(controller))!;
  return readFileSync(join('/sys/fs/cgroup', controller, line.split(':')[2]!, '..', file), 'utf8').trim();
}

test('limits hold from the start, change while it runs, and go again', async () => {
  const nic = { device: 'eth0', name: 'eth0', hostName: 'vlim1', hwaddr: '10:66:6a:00:09:01', bridge: 'brlim' };
  const disk = [{ target: '/', backing: fixture.stateDir, readBps: 10_000_000, writeIops: 100 }];
  const limits: Limits = {
    cpu: { count: 1 },
    cpuAllowance: { quotaMs: 20, periodMs: 100 },
    memoryBytes: 67_108_864,
    processes: 20,
    disk,
    nic: [{ hostName: 'vlim1', ingressBps: 10_000_000, egressBps: 5_000_000 }],
  };
  const spec = fixture.spec(fixture.busyboxRootfs('limited'), { nics: [nic], limits });
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  const device = blockDeviceOf(fixture.stateDir);
  expect(await limitFile(spec, 'memory', 'memory.limit_in_bytes')).toBe('67108864');
  expect(await limitFile(spec, 'pids', 'pids.max')).toBe('20');
  expect(await limitFile(spec, 'cpu', 'cpu.cfs_quota_us')).toBe('20000');
  expect(await limitFile(spec, 'cpuset', 'cpuset.cpus')).toMatch(/^\d+$/);
  if (device) expect(await limitFile(spec, 'blkio', 'blkio.throttle.read_bps_device')).toBe(`${device} 10000000`);
  expect(sh('tc', 'qdisc', 'show', 'dev', 'vlim1')).toMatch(/tbf .*rate 10Mbit/);
  expect(sh('nft', 'list', 'table', 'netdev', 'stapes_limit_vlim1')).toMatch(/limit rate over 625000 bytes\/second/);

  const filled = await attach(spec, [
    'sh',
    '-c',
    'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do sleep 5 & done; echo made',
  ]);
  expect(filled.stdout + filled.stderr).toMatch(/can't fork/);
  expect((await attach(spec, ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1'])).code).not.toBe(0);

  await driver.can.limits!.apply(spec.ref, {
    ...limits,
    memoryBytes: 134_217_728,
    processes: 50,
    disk: [],
    nic: [{ hostName: 'vlim1' }],
  });
  expect(await limitFile(spec, 'memory', 'memory.limit_in_bytes')).toBe('134217728');
  expect(await limitFile(spec, 'blkio', 'blkio.throttle.read_bps_device')).toBe('');
  expect(sh('tc', 'qdisc', 'show', 'dev', 'vlim1')).not.toMatch(/tbf/);
  expect(sh('nft', 'list', 'tables')).not.toContain('vlim1');
  await driver.can.limits!.apply(spec.ref, none);
  expect(Number(await limitFile(spec, 'memory', 'memory.limit_in_bytes'))).toBeGreaterThan(2 ** 60);
  expect(await limitFile(spec, 'cpu', 'cpu.cfs_quota_us')).toBe('-1');
  expect(await limitFile(spec, 'pids', 'pids.max')).toBe('max');
  // The limits lie one level above what it can see and write.
  expect((await attach(spec, ['sh', '-c', 'cat /proc/self/cgroup | grep -v ":/$" | grep -v "^0"'])).stdout).toBe('');
  await driver.removeConfigured(spec.ref);
});

test('exit codes, user, folder and environment of a command arrive unchanged', async () => {
  const spec = fixture.spec(fixture.busyboxRootfs('exec'));
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  writeFileSync(join(spec.rootfs, 'bin/plain'), 'x', { mode: 0o644 });
  expect((await attach(spec, ['nothing-there'])).code).toBe(127);
  expect((await attach(spec, ['/bin/plain'])).code).toBe(126);
  expect((await attach(spec, ['sh', '-c', 'kill -9 $$'])).code).toBe(137);
  expect((await attach(spec, ['sh', '-c', 'exit 42'])).code).toBe(42);
  expect((await attach(spec, ['nothing-there'], { cwd: '/tmp' })).code).toBe(127);
  expect((await attach(spec, ['id'], { uid: 1000, gid: 1001 })).stdout).toMatch(/^uid=1000 gid=1001/);
  expect((await attach(spec, ['--version', 'x'])).code).toBe(127);
  const odd = { A: 'a "b" $c \n d', EMPTY: '' };
  expect(
    (await attach(spec, ['sh', '-c', 'echo "$A|$EMPTY|$HOME"'], { environment: { PATH: '/bin', ...odd }, cwd: '/tmp' }))
      .stdout,
  ).toBe('a "b" $c \n d||\n');
  await expect(
    driver.can.exec!.command(spec.ref, { command: ['true'], environment: { 'A=B': 'x' } }),
  ).rejects.toMatchObject({ code: 'invalid' });

  const exec = await driver.can.exec!.command(spec.ref, {
    command: ['sh', '-c', 'stty size; test -t 0 && echo tty; exit 3'],
    environment: { PATH: '/bin' },
  });
  const pty = spawnPty(exec, { cols: 91, rows: 31 });
  let shown = '';
  pty.onData((data) => (shown += String(data)));
  const ended = await new Promise<{ exitCode: number }>((done) => pty.onExit(done));
  expect(ended.exitCode).toBe(3);
  expect(shown).toContain('tty');

  const text = await driver.can.console!.command(spec.ref);
  const terminal = spawnPty(text, { cols: 80, rows: 24 });
  let seen = '';
  terminal.onData((data) => (seen += String(data)));
  await until('the console', () => seen.includes('Connected to tty 0'));
  terminal.write('\x01q');
  await new Promise((done) => terminal.onExit(done));
  await driver.can.consoleLog!.clear(spec.ref);
  expect((await driver.can.consoleLog!.read(spec.ref)).length).toBe(0);
  await driver.removeConfigured(spec.ref);
});

test('owners are rewritten and put back without following links', async () => {
  expect(await new IdmappedMounts().supports(fixture.stateDir)).toBe(true);
  expect(await new IdmappedMounts().supports('/proc')).toBe(false);
  const root = fixture.busyboxRootfs('shifted');
  const victim = join(fixture.stateDir, 'not-yours');
  writeFileSync(victim, 'x');
  symlinkSync(victim, join(root, 'link'));
  mkdirSync(join(root, 'home'));
  writeFileSync(join(root, 'home/suid'), 'x');
  sh('chown', '1000:1001', join(root, 'home/suid'));
  sh('chmod', '4755', join(root, 'home/suid'));
  const owner = (path: string) => sh('stat', '-c', '%u:%g:%a', '--', path).trim();
  await shiftRootfs(root, { hostBase: 2_000_000, size: 65_536 });
  await shiftRootfs(root, { hostBase: 2_000_000, size: 65_536 });
  expect(owner(join(root, 'home/suid'))).toBe('2001000:2001001:4755');
  expect(owner(join(root, 'link'))).toMatch(/^2000000:2000000:/);
  expect(statSync(root).uid).toBe(2_000_000);
  expect(statSync(victim).uid).toBe(0);
  await shiftRootfs(root, { hostBase: 3_000_000, size: 65_536 });
  expect(owner(join(root, 'home/suid'))).toBe('3001000:3001001:4755');
  await shiftRootfs(root, null);
  expect(owner(join(root, 'home/suid'))).toBe('1000:1001:4755');
});

test('a mount shows in the instance, and a link of the guest does not lead it out', async () => {
  const shared = join(fixture.stateDir, 'shared with space');
  mkdirSync(shared);
  writeFileSync(join(shared, 'hello'), 'from the host', { mode: 0o644 });
  const mount = { source: shared, readOnly: true, recursive: false, required: true, shift: false };
  const rootfs = fixture.busyboxRootfs('mounts');
  const spec = fixture.spec(rootfs, { mounts: [{ ...mount, target: '/srv/my data' }] });
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  expect((await attach(spec, ['cat', '/srv/my data/hello'])).stdout).toBe('from the host');
  expect((await attach(spec, ['touch', '/srv/my data/x'])).code).not.toBe(0);
  await driver.ensureStopped(spec.ref, { graceMs: 0, force: true });
  await driver.ensureConfigured({
    ...spec,
    mounts: [{ ...mount, target: '/srv/shifted', shift: true, readOnly: false }],
  });
  await driver.ensureStarted(spec.ref);
  expect((await attach(spec, ['stat', '-c', '%u', '/srv/shifted/hello'])).stdout).toBe('0\n');
  expect((await attach(spec, ['touch', '/srv/shifted/x'])).code).toBe(0);
  expect(statSync(join(shared, 'x')).uid).toBe(0);
  await driver.ensureStopped(spec.ref, { graceMs: 0, force: true });
  symlinkSync(fixture.stateDir, join(rootfs, 'evil'));
  await driver.ensureConfigured({ ...spec, mounts: [{ ...mount, target: '/evil/new' }] });
  await expect(driver.ensureStarted(spec.ref)).rejects.toMatchObject({ code: 'invalid' });
  await driver.ensureConfigured({ ...spec, mounts: [{ ...mount, source: '/nonexistent/x', target: '/x' }] });
  await expect(driver.ensureStarted(spec.ref)).rejects.toMatchObject({ code: 'not-found' });
  await driver.removeConfigured(spec.ref);
});

test('instances with a number of CPUs are spread over them, and spread again as others come and go', async () => {
  const cpus = readFileSync('/sys/fs/cgroup/cpuset/cpuset.cpus', 'utf8').trim();
  const placed = async (spec: MachineSpec) => limitFile(spec, 'cpuset', 'cpuset.cpus');
  const make = (name: string, cpu: Limits['cpu']) =>
    fixture.spec(fixture.busyboxRootfs(name), { limits: { ...none, ...(cpu ? { cpu } : {}) } });
  const all = [make('spread-a', { count: 1 }), make('spread-b', { count: 1 }), make('spread-c', undefined)];
  const end = new AbortController();
  const watching = driver.watch(() => undefined, end.signal);
  for (const spec of all) {
    await driver.ensureConfigured(spec);
    await driver.ensureStarted(spec.ref);
  }
  const [a, b, c] = all as [MachineSpec, MachineSpec, MachineSpec];
  await until('two places', async () => cpus === '0' || (await placed(a)) !== (await placed(b)));
  expect(await placed(c)).toBe(cpus);
  // Somebody takes the place of the first for good: it moves away, which only it can.
  const first = (await placed(a)).split(',')[0]!;
  await driver.can.limits!.apply(c.ref, { ...none, cpu: { set: first } });
  await driver.removeConfigured(b.ref);
  await until('another place', async () => cpus === '0' || (await placed(a)) !== first);
  // A driver that has just been made looks at what runs, too.
  await driver.can.limits!.apply(c.ref, none);
  end.abort();
  await watching;
  const later = createLxcDriver({ stateDir: fixture.stateDir });
  await later.can.limits!.apply(c.ref, { ...none, cpu: { set: await placed(a) } });
  await until('yet another place', async () => cpus === '0' || (await placed(a)) !== (await placed(c)));
  for (const spec of [a, c]) await driver.removeConfigured(spec.ref);
});
