import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import type { MachineSpec, MountSpec, NicSpec } from '@stapes/runtime/instances/driver';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { LxcFixture, linkExists, sh, until } from './lxc-fixture.ts';

const fixture = new LxcFixture();
const open = () => createLxcDriver({ stateDir: fixture.stateDir });
const driver = open();
const hotplug = driver.can.hotplug!;
const source = join(fixture.stateDir, 'shared');
const kill = { graceMs: 0, force: true };
let counter = 0;

beforeAll(() => {
  mkdirSync(source);
  writeFileSync(join(source, 'note'), 'of the host');
  sh('ip', 'link', 'add', 'brplug', 'type', 'bridge');
  sh('ip', 'link', 'set', 'brplug', 'up');
});
afterAll(async () => {
  for (const id of (await driver.inspectAll()).keys()) await driver.removeConfigured({ id });
  expect(hostMounts()).toEqual([]);
  fixture.remove();
});

const hostMounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(fixture.stateDir));
const disk = (target: string, changes: Partial<MountSpec> = {}): MountSpec => ({
  source,
  target,
  readOnly: false,
  recursive: false,
  required: true,
  shift: true,
  ...changes,
});
const nic = (device: string): NicSpec => {
  const number = String(++counter).padStart(2, '0');
  return {
    device,
    name: device,
    hostName: `vplug${number}`,
    hwaddr: `10:66:6a:00:12:${number}`,
    bridge: 'brplug',
  };
};
async function started(changes: Partial<MachineSpec> = {}): Promise<MachineSpec> {
  const spec = fixture.spec(fixture.busyboxRootfs(`guest${++counter}`), changes);
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  await until('its init', async () => (await driver.can.consoleLog!.read(spec.ref)).includes('hello'));
  return spec;
}
async function inside(spec: MachineSpec, ...command: string[]): Promise<string> {
  const exec = await driver.can.exec!.command(spec.ref, { command, environment: { PATH: '/bin' } });
  const { stdout, stderr } = await run(exec.file, exec.args, {
    env: exec.env,
    okCodes: Array.from({ length: 256 }, (_, code) => code),
  });
  return stdout + stderr;
}
const script = (spec: MachineSpec, text: string) => inside(spec, 'sh', '-c', text);
async function reboot(spec: MachineSpec): Promise<void> {
  const before = await driver.inspect(spec.ref);
  void inside(spec, 'reboot', '-f').catch(() => undefined);
  await until('its reboot', async () => {
    const { status, pid } = await driver.inspect(spec.ref);
    return status === 'Running' && pid !== before.pid;
  });
}

test('a disk comes, changes and goes while it runs, and a new server knows of it', async () => {
  const spec = await started();
  expect(await hotplug.change({ ...spec, mounts: [disk('/mnt/new/deep')] })).toEqual([]);
  expect(await inside(spec, 'cat', '/mnt/new/deep/note')).toBe('of the host');
  await script(spec, 'echo from inside >/mnt/new/deep/mine');
  expect(statSync(join(source, 'mine')).uid).toBe(0);
  expect(await inside(spec, 'stat', '-c', '%u', '/mnt/new/deep/mine')).toBe('0\n');
  expect(statSync(join(spec.rootfs, 'mnt/new')).uid).toBe(0);
  expect(hostMounts()).toEqual([]);
  const later = open().can.hotplug!;
  expect(await later.change({ ...spec, mounts: [disk('/mnt/new/deep', { readOnly: true })] })).toEqual([]);
  expect(await script(spec, 'echo x >/mnt/new/deep/other')).toContain('Read-only file system');
  expect(await later.change(spec)).toEqual([]);
  expect(await inside(spec, 'ls', '/mnt/new/deep')).toBe('');
  expect(await inside(spec, 'cat', '/proc/mounts')).not.toContain('/mnt/new');
  await driver.removeConfigured(spec.ref);
});

test('a file is mounted over a file', async () => {
  const spec = await started();
  const one = disk('/etc/note', { source: join(source, 'note') });
  expect(await hotplug.change({ ...spec, mounts: [one] })).toEqual([]);
  expect(await inside(spec, 'cat', '/etc/note')).toBe('of the host');
  const wrong = disk('/etc/note/deeper');
  const refused = await hotplug.change({ ...spec, mounts: [one, wrong, disk('/mnt')] });
  expect(refused).toMatchObject([{ kind: 'mount', subject: '/etc/note/deeper' }]);
  expect(await inside(spec, 'cat', '/mnt/note')).toBe('of the host');
  await driver.removeConfigured(spec.ref);
});

test.each(['from its start', 'plugged in'])(
  'root inside cannot write to a read-only disk that it has %s',
  async (when) => {
    for (const shift of [true, false]) {
      const mounts = [disk('/mnt/data', { readOnly: true, shift, recursive: !shift })];
      const spec = await started(when === 'plugged in' ? {} : { mounts });
      if (when === 'plugged in') expect(await hotplug.change({ ...spec, mounts })).toEqual([]);
      for (const look of ['once', 'after a reboot']) {
        if (look !== 'once') {
          await reboot(spec);
          await settled(spec);
        }
        expect(await script(spec, 'cat /mnt/data/note; echo')).toBe('of the host\n');
        const tried = await script(
          spec,
          'mount -o remount,bind,rw /mnt/data; mount -o remount,rw /mnt/data; echo x >/mnt/data/evil; mkdir -p /b; mount --bind /mnt/data /b; mount -o remount,bind,rw /b; echo x >/b/evil',
        );
        expect(tried).toContain('Read-only file system');
        expect(existsSync(join(source, 'evil'))).toBe(false);
        await script(spec, 'umount /b');
      }
      await driver.removeConfigured(spec.ref);
      expect(hostMounts()).toEqual([]);
      expect(readFileSync(join(source, 'note'), 'utf8')).toBe('of the host');
    }
  },
);

/** What was plugged in is put right again by whoever watches. */
async function settled(spec: MachineSpec): Promise<void> {
  const end = new AbortController();
  const watching = open().watch(() => undefined, end.signal);
  await until('its disk', async () => (await inside(spec, 'cat', '/proc/mounts')).includes(' /mnt/data '));
  end.abort();
  await watching;
}

test('no link of the guest leads a mount out of it', async () => {
  const victim = join(fixture.stateDir, 'victim');
  mkdirSync(victim, { recursive: true });
  const spec = await started();
  symlinkSync(victim, join(spec.rootfs, 'mnt/absolute'));
  symlinkSync(`../../../../../../..${victim}`, join(spec.rootfs, 'mnt/dots'));
  symlinkSync('/etc', join(spec.rootfs, 'mnt/inner'));
  const mounts = ['/mnt/absolute', '/mnt/absolute/a', '/mnt/dots/b', '/../../mnt/dots', '/', '/proc/1/root/tmp'].map(
    (target) => disk(target),
  );
  const refused = await hotplug.change({ ...spec, mounts });
  expect(refused.length).toBe(mounts.length);
  expect(readdirSync(victim)).toEqual([]);
  expect(hostMounts()).toEqual([]);
  expect(await hotplug.change({ ...spec, mounts: [disk('/mnt/inner/linked')] })).toEqual([]);
  expect(await inside(spec, 'cat', '/etc/linked/note')).toBe('of the host');
  expect(await hotplug.change(spec)).toEqual([]);
  expect(await inside(spec, 'cat', '/proc/mounts')).not.toContain('/etc/linked');
  await driver.removeConfigured(spec.ref);
});

test('what the guest does with the mount neither reaches the host nor keeps it from being taken away', async () => {
  const spec = await started();
  const mounts = [disk('/mnt/data'), disk('/mnt/kept')];
  mkdirSync(join(source, 'sub'), { recursive: true });
  await hotplug.change({ ...spec, mounts });
  await script(spec, 'mount -t tmpfs tmpfs /mnt/data/sub; echo x >/mnt/data/sub/inner');
  expect(readdirSync(join(source, 'sub'))).toEqual([]);
  await script(
    spec,
    'mkdir /else /copy; mount --bind /mnt/data /copy; mount --move /mnt/data /else; mount -t tmpfs tmpfs /mnt/data; mount -t tmpfs tmpfs /else',
  );
  expect(await hotplug.change({ ...spec, mounts: [disk('/mnt/kept')] })).toEqual([]);
  const left = (await inside(spec, 'cat', '/proc/self/mountinfo')).split('\n').filter((line) => line.includes(source));
  expect(left.map((line) => line.split(' ')[4])).toEqual(['/mnt/kept']);
  await driver.removeConfigured(spec.ref);
});

test('what cannot be done now is told, and the rest is done', async () => {
  const spec = await started();
  await script(spec, 'ip link add taken0 type dummy || ip link set lo name taken0');
  const [good, taken] = [nic('good0'), nic('taken0')];
  const mounts = [
    disk('/mnt/a', { source: join(source, 'absent') }),
    disk('/mnt/b', { source: join(source, 'absent'), required: false }),
    disk('/mnt/c', { source: '/proc/sys' }),
    disk('/mnt/d'),
  ];
  const refused = await hotplug.change({ ...spec, mounts, nics: [good, taken] });
  expect(refused.map(({ subject }) => subject)).toEqual(['/mnt/a', '/mnt/c', 'taken0']);
  expect(refused.map(({ reason }) => reason).join('; ')).toMatch(/absent does not exist.*cannot shift ids.*taken0/s);
  expect(await inside(spec, 'cat', '/mnt/d/note')).toBe('of the host');
  expect([linkExists(good.hostName), linkExists(taken.hostName)]).toEqual([true, false]);
  await driver.ensureStopped(spec.ref, kill);
  expect(linkExists(good.hostName)).toBe(false);
  await driver.removeConfigured(spec.ref);
});

test('NICs come with their limits; all of it survives a reboot from inside, and nothing is left after a stop', async () => {
  const [first, gone, changed] = [nic('eth0'), nic('eth1'), nic('eth2')];
  const spec = await started({ nics: [first, gone, changed] });
  const anew = { ...changed, hwaddr: '10:66:6a:00:13:99' };
  const added = nic('eth3');
  const limits = { disk: [], nic: [{ hostName: added.hostName, ingressBps: 8_000_000, egressBps: 4_000_000 }] };
  const mounts = [disk('/mnt/data')];
  expect(await hotplug.change({ ...spec, nics: [first, anew, added], mounts, limits })).toEqual([]);
  const end = new AbortController();
  const watching = driver.watch(() => undefined, end.signal);
  for (const look of ['once', 'after a reboot']) {
    if (look !== 'once') await reboot(spec);
    await until('its interfaces', async () => {
      const network = (await driver.usage([spec.ref])).get(spec.ref.id)?.network ?? {};
      return (
        ['eth0', 'eth2', 'eth3', 'lo'].join() === Object.keys(network).sort().join() &&
        network['eth2']?.hwaddr === anew.hwaddr
      );
    });
    await until('its disk', async () => (await inside(spec, 'cat', '/mnt/data/note')) === 'of the host');
    expect(linkExists(gone.hostName)).toBe(false);
    await until('its bridge', () => sh('bridge', 'link', 'show', 'dev', added.hostName).includes('master brplug'));
    await until('its limits', () => sh('tc', 'qdisc', 'show', 'dev', added.hostName).includes('rate 8Mbit'));
    await until('its other limit', () => sh('nft', 'list', 'tables').includes(`stapes_limit_${added.hostName}`));
  }
  end.abort();
  await watching;
  await driver.ensureStopped(spec.ref, kill);
  for (const { hostName } of [first, gone, changed, added]) expect(linkExists(hostName)).toBe(false);
  expect(sh('nft', 'list', 'tables')).not.toContain(`stapes_limit_${added.hostName}`);
  expect(hostMounts()).toEqual([]);
  await driver.removeConfigured(spec.ref);
});
