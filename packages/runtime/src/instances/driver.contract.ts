import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileTarget, InstanceDriver, InstanceEvent, MachineSpec, NicSpec } from './driver.ts';

export interface ContractSubject {
  driver: InstanceDriver;
  /** A machine with one NIC, with a rootfs of its own, that prints `console says hello` on its console and shuts down when asked. */
  makeSpec(changes?: Partial<MachineSpec>): MachineSpec;
  cleanUp(): Promise<void>;
}

/** What every instance driver promises. `make` prepares a host for it. */
export function instanceDriverContract(name: string, make: () => Promise<ContractSubject>): void {
  describe(`instance driver ${name}`, () => {
    let subject: ContractSubject;
    let driver: InstanceDriver;
    beforeAll(async () => {
      subject = await make();
      driver = subject.driver;
    });
    afterAll(async () => subject?.cleanUp());

    const kill = { graceMs: 0, force: true };
    const configured = async (changes: Partial<MachineSpec> = {}) => {
      const spec = subject.makeSpec(changes);
      await driver.ensureConfigured(spec);
      return spec;
    };

    test('each verb may be repeated', async () => {
      const spec = await configured();
      await driver.ensureConfigured(spec);
      expect((await driver.inspect(spec.ref)).status).toBe('Stopped');
      await driver.ensureStopped(spec.ref, kill);
      await driver.ensureStarted(spec.ref);
      const first = await driver.inspect(spec.ref);
      await driver.ensureStarted(spec.ref);
      expect(await driver.inspect(spec.ref)).toEqual(first);
      expect(first.status).toBe('Running');
      expect(first.pid).toBeGreaterThan(0);
      for (const frozen of [true, true, false, false]) {
        await driver.ensureFrozen(spec.ref, frozen);
        expect((await driver.inspect(spec.ref)).status).toBe(frozen ? 'Frozen' : 'Running');
      }
      for (let round = 0; round < 2; round++) await driver.ensureStopped(spec.ref, kill);
      expect(await driver.inspect(spec.ref)).toEqual({ status: 'Stopped', pid: 0, startedAtMs: 0 });
      for (let round = 0; round < 2; round++) await driver.removeConfigured(spec.ref);
    });

    test('what was never configured is stopped, cannot start, and can be removed', async () => {
      const { ref } = subject.makeSpec();
      expect((await driver.inspect(ref)).status).toBe('Stopped');
      await expect(driver.ensureStarted(ref)).rejects.toMatchObject({ code: 'not-found' });
      await expect(driver.ensureFrozen(ref, true)).rejects.toMatchObject({ code: 'wrong-state' });
      await driver.removeConfigured(ref);
    });

    test('control characters are refused wherever a value comes from a user', async () => {
      const spec = subject.makeSpec();
      const evil = 'a\nlxc.hook.start = /bin/evil';
      for (const changes of [
        { hostname: evil },
        { environment: { A: evil } },
        { environment: { [evil]: 'a' } },
        { rootfs: `/x/${evil}` },
        { environment: { A: 'nul\0' } },
        { environment: { A: 'cr\r' } },
        {
          mounts: [
            { source: '/tmp', target: `/${evil}`, readOnly: true, recursive: false, required: false, shift: false },
          ],
        },
      ] as Partial<MachineSpec>[])
        await expect(driver.ensureConfigured({ ...spec, ...changes })).rejects.toMatchObject({ code: 'invalid' });
      await driver.removeConfigured(spec.ref);
    });

    test('removing kills what runs', async () => {
      const spec = await configured();
      await driver.ensureStarted(spec.ref);
      await driver.removeConfigured(spec.ref);
      expect((await driver.inspect(spec.ref)).status).toBe('Stopped');
      expect((await driver.inspectAll()).has(spec.ref.id)).toBe(false);
    });

    test('inspectAll and usage tell of those that run, and only of them', async () => {
      const [running, idle] = [
        await configured({ limits: { memoryBytes: 268_435_456, disk: [], nic: [] } }),
        await configured(),
      ];
      await driver.ensureStarted(running.ref);
      const all = await driver.inspectAll();
      expect(all.get(running.ref.id)?.status).toBe('Running');
      expect(all.has(idle.ref.id)).toBe(false);
      const usage = await driver.usage([running.ref, idle.ref]);
      expect([...usage.keys()]).toEqual([running.ref.id]);
      const seen = usage.get(running.ref.id)!;
      expect(seen.processes).toBeGreaterThanOrEqual(1);
      expect(seen.cpuNs).toBeGreaterThan(0);
      expect(seen.memoryBytes).toBeGreaterThan(0);
      expect(seen.memoryTotalBytes).toBe(268_435_456);
      expect(seen.network[running.nics[0]!.name]).toMatchObject({
        hwaddr: running.nics[0]!.hwaddr,
        host_name: running.nics[0]!.hostName,
      });
      for (const spec of [running, idle]) await driver.removeConfigured(spec.ref);
    });

    test('an instance that is asked shuts down by itself', async () => {
      const spec = await configured();
      await driver.ensureStarted(spec.ref);
      await eventually(async () => (await driver.can.consoleLog!.read(spec.ref)).includes('console says hello'));
      await driver.ensureStopped(spec.ref, { graceMs: 60_000, force: false });
      expect((await driver.inspect(spec.ref)).status).toBe('Stopped');
      await driver.removeConfigured(spec.ref);
    });

    test('the watcher tells of each change, in order', async () => {
      const spec = await configured();
      const events: InstanceEvent[] = [];
      const end = new AbortController();
      const watching = driver.watch((event) => events.push(event), end.signal);
      await new Promise((done) => setImmediate(done));
      await driver.ensureStarted(spec.ref);
      await eventually(async () => events.at(-1)?.status === 'Running');
      await driver.ensureFrozen(spec.ref, true);
      await eventually(async () => events.at(-1)?.status === 'Frozen');
      await driver.ensureFrozen(spec.ref, false);
      await eventually(async () => events.at(-1)?.status === 'Running');
      await driver.ensureStopped(spec.ref, kill);
      await eventually(async () => events.at(-1)?.status === 'Stopped');
      const lasting = events
        .filter((event) => event.status !== 'Starting' && event.status !== 'Stopping')
        .map((event) => event.status);
      expect(lasting).toEqual(['Running', 'Frozen', 'Running', 'Stopped']);
      end.abort();
      await watching;
      await driver.removeConfigured(spec.ref);
    });

    test('commands and the console need a running instance', async () => {
      const spec = await configured();
      const exec = { command: ['true'], environment: {} };
      await expect(driver.can.exec!.command(spec.ref, exec)).rejects.toMatchObject({ code: 'wrong-state' });
      await expect(driver.can.console!.command(spec.ref)).rejects.toMatchObject({ code: 'wrong-state' });
      await driver.removeConfigured(spec.ref);
    });

    test('NICs of a running instance come, change and go at once', async () => {
      const spec = await configured();
      const hotplug = driver.can.hotplug!;
      await expect(hotplug.change(spec)).rejects.toMatchObject({ code: 'wrong-state' });
      await driver.ensureStarted(spec.ref);
      const [first] = spec.nics as [NicSpec];
      const second = {
        ...first,
        device: 'lan',
        name: 'lan0',
        hostName: `${first.hostName}b`,
        hwaddr: '10:66:6a:00:ee:01',
      };
      const seen = async () => {
        const { network } = (await driver.usage([spec.ref])).get(spec.ref.id)!;
        return Object.fromEntries(
          Object.entries(network).flatMap(([name, nic]) => (nic.type === 'loopback' ? [] : [[name, nic]])),
        );
      };
      const before = await seen();
      for (let round = 0; round < 2; round++)
        expect(await hotplug.change({ ...spec, nics: [first, second] })).toEqual([]);
      expect(await seen()).toMatchObject({
        [first.name]: { hwaddr: before[first.name]!.hwaddr },
        lan0: { hwaddr: second.hwaddr, host_name: second.hostName, state: 'up' },
      });
      const changed = { ...second, hwaddr: '10:66:6a:00:ee:02' };
      expect(await hotplug.change({ ...spec, nics: [first, changed] })).toEqual([]);
      expect(await seen()).toMatchObject({ lan0: { hwaddr: changed.hwaddr } });
      for (let round = 0; round < 2; round++) expect(await hotplug.change({ ...spec, nics: [first] })).toEqual([]);
      expect(Object.keys(await seen())).toEqual([first.name]);
      expect(await hotplug.change({ ...spec, nics: [changed] })).toEqual([]);
      expect(Object.keys(await seen())).toEqual(['lan0']);
      await driver.ensureStopped(spec.ref, kill);
      await driver.removeConfigured(spec.ref);
    });

    test('logs are found by exact name only', async () => {
      const spec = await configured();
      await driver.ensureStarted(spec.ref);
      await eventually(async () => (await driver.can.logs!.list(spec.ref)).includes('console.log'));
      for (const name of ['../../etc/passwd', '/etc/passwd', '', '.', 'console.lo', 'console.log/'])
        await expect(driver.can.logs!.read(spec.ref, name)).rejects.toMatchObject({ code: 'not-found' });
      expect((await driver.can.logs!.read(spec.ref, 'console.log')).length).toBeGreaterThanOrEqual(0);
      await driver.removeConfigured(spec.ref);
    });

    for (const running of [false, true])
      test(`files of a ${running ? 'running' : 'stopped'} instance`, async () => {
        const spec = await configured();
        if (running) await driver.ensureStarted(spec.ref);
        const files = driver.can.files!;
        const at = (path: string): FileTarget => ({ ref: spec.ref, rootfs: spec.rootfs, idmap: spec.idmap, path });
        await files.makeDirectory(at('/data'), { uid: 5, gid: 6, mode: 0o750 });
        expect(await files.stat(at('/data'))).toMatchObject({
          type: 'directory',
          uid: 5,
          gid: 6,
          mode: 0o750,
          entries: [],
        });
        await files.write(at('/data/note'), Readable.from([Buffer.from('one ')]), {
          append: false,
          uid: 1000,
          gid: 1001,
          mode: 0o600,
        });
        await files.write(at('/data/note'), Readable.from([Buffer.from('two')]), {
          append: true,
          uid: 1,
          gid: 1,
          mode: 0o777,
        });
        expect(await files.stat(at('/data/note'))).toMatchObject({
          type: 'file',
          uid: 1000,
          gid: 1001,
          mode: 0o600,
          size: 7,
        });
        expect(await content((await files.read(at('/data/note'))).stream!)).toBe('one two');
        await files.write(at('/data/note'), Readable.from([Buffer.from('x')]), { append: false });
        expect(await content((await files.read(at('/data/note'))).stream!)).toBe('x');
        await files.makeSymlink(at('/data/link'), 'note', {});
        expect(await files.stat(at('/data/link'))).toMatchObject({ type: 'symlink', target: 'note', uid: 0, gid: 0 });
        expect((await files.stat(at('/data'))).entries).toEqual(['link', 'note']);
        await expect(files.stat(at('/data/absent'))).rejects.toMatchObject({ code: 'not-found' });
        await expect(files.remove(at('/data'), { recursive: false })).rejects.toMatchObject({ code: 'in-use' });
        await files.remove(at('/data'), { recursive: true });
        await expect(files.remove(at('/data'), { recursive: true })).rejects.toMatchObject({ code: 'not-found' });
        await driver.removeConfigured(spec.ref);
      });
  });
}

async function content(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

async function eventually(look: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error('It did not happen within 30 s');
    await new Promise((done) => setTimeout(done, 10));
  }
}
