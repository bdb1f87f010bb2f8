import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import type { FileTarget, MachineSpec } from '@stapes/runtime/instances/driver';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { LxcFixture, sh, until } from './lxc-fixture.ts';

const fixture = new LxcFixture();
const driver = createLxcDriver({ stateDir: fixture.stateDir });
const files = driver.can.files!;
const victim = join(fixture.stateDir, 'victim');
let spec: MachineSpec;
const at = (path: string): FileTarget => ({ ref: spec.ref, rootfs: spec.rootfs, idmap: spec.idmap, path });
const text = (value: string) => Readable.from([Buffer.from(value)]);
const content = async (path: string) => {
  const { stream } = await files.read(at(path));
  const chunks: Buffer[] = [];
  for await (const chunk of stream!) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
};
const inside = async (...command: string[]) => {
  const attach = await driver.can.exec!.command(spec.ref, { command, environment: { PATH: '/bin' } });
  return (await run(attach.file, attach.args, { env: attach.env })).stdout;
};

beforeAll(async () => {
  mkdirSync(victim);
  writeFileSync(join(victim, 'secret'), 'of the host');
  spec = fixture.spec(fixture.busyboxRootfs('guest'));
  const hostile = join(spec.rootfs, 'hostile');
  mkdirSync(hostile);
  symlinkSync(join(victim, 'secret'), join(hostile, 'absolute'));
  symlinkSync('../../../../../../../../../../..' + join(victim, 'secret'), join(hostile, 'dots'));
  symlinkSync(victim, join(hostile, 'folder'));
  symlinkSync('/', join(hostile, 'slash'));
  symlinkSync('/proc/1/root', join(hostile, 'magic'));
  symlinkSync('loop', join(hostile, 'loop'));
  sh('mkfifo', join(hostile, 'fifo'));
  sh('mknod', join(hostile, 'device'), 'c', '1', '1');
  await driver.ensureConfigured(spec);
});
afterAll(async () => {
  await driver.removeConfigured(spec.ref);
  fixture.remove();
});

describe.each([false, true])('hostile trees (running: %s)', (running) => {
  beforeAll(async () => {
    if (!running) return;
    await driver.ensureStarted(spec.ref);
    await until('its init', async () => (await driver.can.consoleLog!.read(spec.ref)).includes('hello'));
    await until('its /run', async () => (await inside('cat', '/proc/mounts')).includes('tmpfs /run'));
  });

  test('no link leads out', async () => {
    for (const path of [
      '/hostile/absolute',
      '/hostile/dots',
      '/hostile/folder/secret',
      '/hostile/slash' + victim + '/secret',
      '/../../../..' + victim + '/secret',
      '/hostile/magic' + victim + '/secret',
    ]) {
      const seen = await files.read(at(path)).catch((error: unknown) => error);
      // The link itself may be seen; what it names must not.
      if (seen instanceof Error)
        expect(['not-found', 'invalid', 'unsupported']).toContain((seen as { code?: string }).code);
      else expect(seen).toMatchObject({ stream: null, entry: { type: 'symlink' } });
      await expect(files.write(at(path), text('overwritten'), { append: false })).rejects.toThrow();
    }
    for (const path of ['/hostile/folder/new', '/hostile/folder/../victim/new']) {
      await expect(files.write(at(path), text('x'), { append: false })).rejects.toThrow();
      await expect(files.makeDirectory(at(path), {})).rejects.toThrow();
      await expect(files.makeSymlink(at(path), 'x', {})).rejects.toThrow();
      await expect(files.remove(at('/hostile/folder/secret'), { recursive: true })).rejects.toThrow();
    }
    expect(readFileSync(join(victim, 'secret'), 'utf8')).toBe('of the host');
    expect(statSync(victim).mode & 0o777).toBe(0o755);
  });

  test('neither FIFOs nor devices nor loops are opened', async () => {
    for (const path of ['/hostile/fifo', '/hostile/device']) {
      await expect(files.read(at(path))).rejects.toMatchObject({ code: 'invalid' });
      await expect(files.write(at(path), text('x'), { append: true })).rejects.toMatchObject({ code: 'invalid' });
    }
    await expect(files.read(at('/hostile/loop/x'))).rejects.toMatchObject({ code: 'invalid' });
    for (const path of ['/', '/..', '/bin/..', '.', ''])
      await expect(files.remove(at(path), { recursive: true })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('removing a tree takes links away, not what they name', async () => {
    await files.makeDirectory(at('/tree'), {});
    await files.makeSymlink(at('/tree/out'), victim, {});
    await files.makeSymlink(at('/tree/root'), '/', {});
    await files.remove(at('/tree'), { recursive: true });
    expect(lstatSync(join(victim, 'secret')).isFile()).toBe(true);
    expect((await files.stat(at('/'))).entries).toContain('bin');
  });

  test('links inside work as they do inside', async () => {
    await files.makeDirectory(at('/real'), {}).catch(() => undefined);
    await files.write(at('/real/a'), text('inner'), { append: false });
    await files.makeSymlink(at('/door'), '/real', {});
    expect(await content('/door/a')).toBe('inner');
    expect(await content('/hostile/slash/real/a')).toBe('inner');
    await files.remove(at('/door'), { recursive: false });
  });

  test('ids outside its range are refused', async () => {
    const wide = files.write(at('/tmp/wide'), text('x'), { append: false, uid: 70_000, gid: 0 });
    if (running) await expect(wide).rejects.toMatchObject({ code: 'invalid' });
    else await wide;
    await files.remove(at('/tmp/wide'), { recursive: false }).catch(() => undefined);
  });
});

test('a running guest sees what was written into its own mounts, with its own ids', async () => {
  await files.write(at('/run/note'), text('for you'), { append: false, uid: 1000, gid: 1001, mode: 0o640 });
  expect(await inside('stat', '-c', '%u %g %a', '/run/note')).toBe('1000 1001 640\n');
  expect(await inside('cat', '/run/note')).toBe('for you');
  await files.makeDirectory(at('/run/folder'), { uid: 7, gid: 8, mode: 0o700 });
  expect(await inside('stat', '-c', '%u %g %a', '/run/folder')).toBe('7 8 700\n');
  await files.write(at('/run/folder/deep'), text('x'), { append: false, uid: 9 });
  expect(await inside('stat', '-c', '%u', '/run/folder/deep')).toBe('9\n');
  await files.write(at('/root/.profile'), text('x'), { append: false });
  expect(await inside('stat', '-c', '%u %g %a', '/root/.profile')).toBe('0 0 644\n');
  expect(statSync(join(spec.rootfs, 'root/.profile')).uid).toBe(0);
});
