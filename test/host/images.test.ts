import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createImageBuilder } from '@stapes/runtime/images/builder/image-builder';
import { createImageStore } from '@stapes/runtime/images/image-store';

const limits = { maxBytes: 4 * 1024 ** 3, maxEntries: 200_000 };
const cacheDir = process.env.STAPES_CACHE_DIR ?? '/var/cache/stapes';
const prepared = await createImageBuilder({ cacheDir }).prepared('debian/12');

describe('images on this host', () => {
  const store = createImageStore();
  let work: string;
  beforeAll(() => {
    work = mkdtempSync('/var/tmp/stapes-test-images-');
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const empty = (name: string) => {
    const path = join(work, name);
    mkdirSync(path);
    return path;
  };
  const list = (directory: string) =>
    execFileSync('find', ['.', '-printf', '%p %y %m %U %G %s %l %Ts\n'], { cwd: directory, maxBuffer: 2 ** 28 })
      .toString()
      .split('\n')
      .filter((line) => !/ d \d+ \d+ \d+ \d+ /.test(line))
      .sort();

  it('builds busybox without a mirror, then takes it from the cache', async () => {
    const builder = createImageBuilder({ cacheDir: join(work, 'cache') });
    expect(await builder.prepared('busybox')).toBe(false);
    await builder.build('busybox', join(work, 'busybox.tar.zst'), {});
    expect((await builder.prepare('busybox')).built).toBe(true);
    expect((await builder.prepare('busybox')).built).toBe(false);
    await builder.build('busybox', join(work, 'again.tar.zst'), {});
    const rootfs = empty('busybox');
    const image = { metadataPath: join(work, 'again.tar.zst'), rootfsPath: null };
    expect((await store.inspect(image)).metadata.properties?.os).toBe('BusyBox');
    await store.unpackRootfs(image, rootfs, limits);
    expect(execFileSync('chroot', [rootfs, '/bin/sh', '-c', 'echo $((6 * 7))']).toString()).toBe('42\n');
    expect(readdirSync(join(work, 'cache/images')).sort()).toEqual([
      'busybox-amd64.tar.zst',
      'busybox-amd64.tar.zst.recipe',
    ]);
  });

  it('leaves nothing of a build that is cancelled', async () => {
    const builder = createImageBuilder({ cacheDir: join(work, 'cancel') });
    const target = join(work, 'cancelled.tar.zst');
    await expect(builder.build('busybox', target, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(work).filter((name) => name.includes('.part-'))).toEqual([]);
    expect(readdirSync(join(work, 'cancel/images'))).toEqual([]);
  });

  it('keeps owners, modes, hard links and file capabilities, by tar in every compression and by squashfs', async () => {
    const source = empty('source');
    writeFileSync(join(source, 'program'), 'x', { mode: 0o4755 });
    execFileSync('chmod', ['4755', join(source, 'program')]);
    writeFileSync(join(source, 'ping'), 'x');
    execFileSync('setfattr', [
      '-n',
      'security.capability',
      '-v',
      '0x0100000200200000000000000000000000000000',
      join(source, 'ping'),
    ]);
    execFileSync('ln', [join(source, 'program'), join(source, 'hard')]);
    execFileSync('ln', ['-s', '/nowhere', join(source, 'soft')]);
    execFileSync('chown', ['12:3000000', join(source, 'ping')]);
    execFileSync('setfattr', [
      '-n',
      'security.capability',
      '-v',
      '0x0100000200200000000000000000000000000000',
      join(source, 'ping'),
    ]);
    execFileSync('mknod', [join(source, 'device'), 'c', '1', '3']);
    writeFileSync(join(work, 'metadata.yaml'), 'architecture: x86_64\ncreation_date: 1\n');
    execFileSync('tar', ['-C', work, '-cf', join(work, 'meta.tar'), 'metadata.yaml']);
    const roots: string[] = [];
    for (const [name, flag] of [
      ['none', ''],
      ['gz', '--gzip'],
      ['xz', '--xz'],
      ['bz2', '--bzip2'],
      ['zst', '--zstd'],
    ] as const) {
      const path = join(work, `root.${name}`);
      execFileSync('tar', [
        '-C',
        source,
        '--numeric-owner',
        '--xattrs',
        '--xattrs-include=*',
        ...(flag ? [flag] : []),
        '-cf',
        path,
        '.',
      ]);
      roots.push(path);
    }
    execFileSync('mksquashfs', [source, join(work, 'root.squashfs'), '-quiet', '-no-progress'], { stdio: 'ignore' });
    roots.push(join(work, 'root.squashfs'));
    for (const [index, rootfsPath] of roots.entries()) {
      const target = empty(`out${index}`);
      const image = { metadataPath: join(work, 'meta.tar'), rootfsPath };
      expect((await store.inspect(image)).type).toBe('container');
      await store.unpackRootfs(image, target, limits);
      expect(list(target)).toEqual(list(source).filter((line) => !line.startsWith('./device')));
      expect(lstatSync(join(target, 'hard')).ino).toBe(lstatSync(join(target, 'program')).ino);
      expect(
        execFileSync('getfattr', [
          '-n',
          'security.capability',
          '-e',
          'hex',
          '--absolute-names',
          join(target, 'ping'),
        ]).toString(),
      ).toContain('0x0100000200200000');
    }
    const tight = { maxBytes: 1, maxEntries: 200 };
    const squashed = { metadataPath: join(work, 'meta.tar'), rootfsPath: join(work, 'root.squashfs') };
    await expect(store.unpackRootfs(squashed, empty('tight'), tight)).rejects.toMatchObject({ code: 'too-large' });
  });

  it.runIf(prepared)('unpacks the prepared Debian as tar itself does', async () => {
    const path = join(work, 'debian.tar.zst');
    await createImageBuilder({ cacheDir }).build('debian/12', path, {});
    const image = { metadataPath: path, rootfsPath: null };
    const { templates, metadata } = await store.inspect(image);
    expect(Object.keys(templates)).toContain('hostname.tpl');
    expect(metadata.properties).toMatchObject({ os: 'Debian', release: 'bookworm' });
    const ours = empty('debian');
    await store.unpackRootfs(image, ours, limits);
    const theirs = empty('reference');
    execFileSync('tar', ['-C', theirs, '--numeric-owner', '-xpf', path, '--strip-components=1', 'rootfs']);
    expect(list(ours)).toEqual(list(theirs));
    expect(readFileSync(join(ours, 'etc/machine-id'), 'utf8')).toBe('');
    expect(readFileSync(join(ours, 'etc/shadow'), 'utf8')).toMatch(/^root:\*:/m);
  });
});
