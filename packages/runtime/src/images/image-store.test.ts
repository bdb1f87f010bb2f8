import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createImageStore } from './image-store.ts';
import type { UnpackLimits } from './source.ts';
import type { TarMember } from './tar/member.ts';
import { endOfArchive, formatHeader, zeros } from './tar/tar-writer.ts';

type Part = Partial<TarMember> & { name: string; text?: string };

function entry({ text, ...part }: Part): Buffer {
  const content = Buffer.from(text ?? '');
  const size = part.size ?? content.length;
  const member: TarMember = {
    type: 'file',
    linkTarget: '',
    mode: 0o644,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtime: '1000',
    attributes: new Map(),
    ...part,
    size,
  };
  if (member.type === 'directory' && member.mode === 0o644) member.mode = 0o755;
  return Buffer.concat([formatHeader(member), content, zeros(content.length)]);
}
const tar = (...parts: Part[]) => Buffer.concat([...parts.map(entry), endOfArchive]);
const metadataText = 'architecture: x86_64\ncreation_date: 1\nproperties: {os: Test}\n';
const metadata: Part = { name: 'metadata.yaml', text: metadataText };
const rootfs: Part = { name: 'rootfs', type: 'directory' };
const limits: UnpackLimits = { maxBytes: 1024 * 1024, maxEntries: 1000 };

describe('image store', () => {
  let directory: string;
  let target: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'stapes-images-'));
    target = join(directory, 'target');
    mkdirSync(target);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const file = (bytes: Buffer, name = 'image') => {
    const path = join(directory, name);
    writeFileSync(path, bytes);
    return path;
  };
  const unified = (bytes: Buffer) => ({ metadataPath: file(bytes), rootfsPath: null });
  const store = (own = limits) => createImageStore({ limits: own });
  /** Both ways in must refuse it, and nothing may lie outside the target. */
  const refuses = async (bytes: Buffer, why: RegExp, own = limits) => {
    const image = unified(bytes);
    const before = readdirSync(directory).sort();
    await expect(store(own).inspect(image)).rejects.toThrow(why);
    await expect(store(own).unpackRootfs(image, target, own)).rejects.toThrow(why);
    expect(readdirSync(directory).sort()).toEqual(before);
  };

  it('reads and unpacks a unified image', async () => {
    const long = `${'d'.repeat(120)}/${'f'.repeat(150)}`;
    const bytes = gzipSync(
      tar(
        {
          name: 'metadata.yaml',
          text: `${metadataText}templates:\n  /etc/hostname: {when: [create], template: hostname.tpl}\n`,
        },
        { name: 'templates', type: 'directory' },
        { name: 'templates/hostname.tpl', text: '{{ instance.name }}\n' },
        { ...rootfs, mode: 0o750 },
        { name: './rootfs/etc/', type: 'directory' },
        { name: 'rootfs/etc/host', text: 'hello' },
        { name: 'rootfs/etc/again', type: 'hardlink', linkTarget: './rootfs/etc/host' },
        { name: 'rootfs/etc/out', type: 'symlink', linkTarget: '/etc/passwd' },
        { name: 'rootfs/etc/out2', type: 'hardlink', linkTarget: 'rootfs/etc/out' },
        { name: `rootfs/${long}`, text: 'long' },
        { name: 'rootfs/null', type: 'character' },
        { name: 'rootfs/line\nbreak', text: 'odd' },
      ),
    );
    const image = unified(bytes);
    const inspected = await store().inspect(image);
    expect(inspected).toMatchObject({
      fingerprint: createHash('sha256').update(bytes).digest('hex'),
      sizeBytes: bytes.length,
      type: 'container',
      templates: { 'hostname.tpl': '{{ instance.name }}\n' },
    });
    expect(inspected.metadata.templates?.['/etc/hostname']?.template).toBe('hostname.tpl');
    await store().unpackRootfs(image, target, limits);
    expect(readFileSync(join(target, 'etc/host'), 'utf8')).toBe('hello');
    expect(statSync(join(target, 'etc/again')).ino).toBe(statSync(join(target, 'etc/host')).ino);
    expect(readlinkSync(join(target, 'etc/out2'))).toBe('/etc/passwd');
    expect(readFileSync(join(target, long), 'utf8')).toBe('long');
    expect(readFileSync(join(target, 'line\nbreak'), 'utf8')).toBe('odd');
    expect(existsSync(join(target, 'null'))).toBe(false);
    expect(statSync(target).mode & 0o777).toBe(0o750);
    expect(statSync(join(target, 'etc/host')).mtimeMs).toBe(1_000_000);
  });

  it('reads a split image and hashes both files in order', async () => {
    const parts = [
      tar(metadata),
      gzipSync(tar({ name: './', type: 'directory' }, { name: './bin/sh', text: 'x' })),
    ] as const;
    const image = { metadataPath: file(parts[0], 'meta'), rootfsPath: file(parts[1], 'root') };
    const { fingerprint } = await store().inspect(image);
    expect(fingerprint).toBe(createHash('sha256').update(parts[0]).update(parts[1]).digest('hex'));
    await store().unpackRootfs(image, target, limits);
    expect(readFileSync(join(target, 'bin/sh'), 'utf8')).toBe('x');
  });

  const hostile: [string, Part[], RegExp][] = [
    [
      'rootfs twice, then a link',
      [metadata, rootfs, { name: 'rootfs', type: 'symlink', linkTarget: '/etc' }],
      /comes twice/,
    ],
    ['rootfs as a link', [metadata, { name: 'rootfs', type: 'symlink', linkTarget: '/etc' }], /must be a directory/],
    ['rootfs as a file', [metadata, { name: 'rootfs', text: 'x' }], /must be a directory/],
    [
      'templates as a link',
      [metadata, rootfs, { name: 'templates', type: 'symlink', linkTarget: '/etc' }],
      /must be a directory/,
    ],
    [
      'a template as a link',
      [metadata, rootfs, { name: 'templates/x', type: 'symlink', linkTarget: '/etc/shadow' }],
      /regular files/,
    ],
    [
      'metadata.yaml as a link',
      [{ name: 'metadata.yaml', type: 'symlink', linkTarget: '/etc/shadow' }, rootfs],
      /regular file/,
    ],
    ['metadata.yaml as a directory', [{ name: 'metadata.yaml', type: 'directory' }, rootfs], /regular file/],
    ['metadata.yaml twice', [metadata, { ...metadata, name: './metadata.yaml' }, rootfs], /comes twice/],
    [
      'a planted backup.yaml',
      [metadata, rootfs, { name: 'backup.yaml', type: 'symlink', linkTarget: '/etc/passwd' }],
      /beside metadata/,
    ],
    ['..', [metadata, rootfs, { name: 'rootfs/../../out', text: 'x' }], /"\.\."/],
    ['an absolute name', [metadata, rootfs, { name: '/tmp/out', text: 'x' }], /absolute/],
    [
      'a member beneath a link',
      [
        metadata,
        rootfs,
        { name: 'rootfs/a', type: 'symlink', linkTarget: '/etc' },
        { name: 'rootfs/a/out', text: 'x' },
      ],
      /not a directory/,
    ],
    [
      'a file in the place of a link',
      [metadata, rootfs, { name: 'rootfs/a', type: 'symlink', linkTarget: '/etc/x' }, { name: 'rootfs//a', text: 'x' }],
      /comes twice/,
    ],
    [
      'a hard link out of the archive',
      [metadata, rootfs, { name: 'rootfs/a', type: 'hardlink', linkTarget: '/etc/shadow' }],
      /absolute/,
    ],
    [
      'a hard link to what comes later',
      [metadata, rootfs, { name: 'rootfs/a', type: 'hardlink', linkTarget: 'rootfs/b' }, { name: 'rootfs/b' }],
      /came before/,
    ],
    [
      'a hard link out of rootfs',
      [metadata, rootfs, { name: 'rootfs/a', type: 'hardlink', linkTarget: 'metadata.yaml' }],
      /outside/,
    ],
    ['a top-level device', [metadata, rootfs, { name: 'disk', type: 'block' }], /beside metadata/],
    ['no metadata.yaml', [rootfs], /no metadata.yaml/],
    ['no rootfs', [metadata], /no rootfs/],
    ['too long a name', [metadata, rootfs, { name: `rootfs/${'x'.repeat(256)}` }], /255/],
    ['too deep a name', [metadata, rootfs, { name: `rootfs${'/x'.repeat(300)}` }], /deeper/],
  ];
  it.each(hostile)('refuses %s', async (_, parts, why) => refuses(tar(...parts), why));

  it('refuses YAML that grows, nests without end, or is of the wrong form', async () => {
    const bomb = `a: &a [x,x]\nb: &b [*a,*a]\n${metadataText}`;
    for (const text of [
      bomb,
      '['.repeat(10_000),
      '- '.repeat(10_000),
      'just text',
      '',
      'architecture: [1]\ncreation_date: x',
    ]) {
      await expect(store().inspect(unified(tar({ name: 'metadata.yaml', text }, rootfs)))).rejects.toMatchObject({
        code: 'invalid',
      });
    }
    const traversal = `${metadataText}templates:\n  /etc/x: {when: [create], template: ../../etc/shadow}\n`;
    await expect(store().inspect(unified(tar({ name: 'metadata.yaml', text: traversal }, rootfs)))).rejects.toThrow(
      /bare file name/,
    );
    const outside = `${metadataText}templates:\n  /../x: {when: [create], template: x.tpl}\n`;
    await expect(store().inspect(unified(tar({ name: 'metadata.yaml', text: outside }, rootfs)))).rejects.toThrow(
      /plain path/,
    );
    const absent = `${metadataText}templates:\n  /etc/x: {when: [create], template: x.tpl}\n`;
    await expect(store().inspect(unified(tar({ name: 'metadata.yaml', text: absent }, rootfs)))).rejects.toThrow(
      /not in templates/,
    );
  });

  it('bounds a big metadata.yaml, bombs of zeros, and members without number', async () => {
    await refuses(tar({ name: 'metadata.yaml', text: '#'.repeat(300 * 1024) }, rootfs), /bytes; the most is/);
    const zerosBomb = gzipSync(
      Buffer.concat([
        entry(metadata),
        entry(rootfs),
        entry({ name: 'rootfs/zeros', size: 64 * 1024 * 1024 }),
        Buffer.alloc(64 * 1024 * 1024),
      ]),
    );
    expect(zerosBomb.length).toBeLessThan(200_000);
    await refuses(zerosBomb, /unpacks to more than/);
    // After the end of the archive, too: the decompressor must not be left to run on.
    await refuses(
      gzipSync(Buffer.concat([tar(metadata, rootfs), Buffer.alloc(64 * 1024 * 1024)])),
      /unpacks to more than/,
    );
    const many = Array.from({ length: 2000 }, (_, index) => ({ name: `rootfs/f${index}` }));
    await refuses(gzipSync(tar(metadata, rootfs, ...many)), /more than 1000 members/);
  });

  it('refuses what is damaged, truncated, hidden after the end, or no archive', async () => {
    const whole = tar(metadata, rootfs, { name: 'rootfs/file', text: 'x'.repeat(2000) });
    await refuses(whole.subarray(0, whole.length - 2048), /truncated/);
    await refuses(gzipSync(whole).subarray(0, 100), /truncated|damaged/);
    await refuses(
      Buffer.concat([whole, entry({ name: 'rootfs', type: 'symlink', linkTarget: '/etc' })]),
      /after the end/,
    );
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(0x41, 3);
    await refuses(flipped, /checksum/);
    const sparse = { name: 'rootfs/s', attributes: new Map([['GNU.sparse.major', Buffer.from('1')]]) };
    await refuses(tar(metadata, rootfs, sparse), /sparse/);
    await expect(store().inspect(unified(Buffer.from('hello')))).rejects.toThrow(/neither a tar/);
    await expect(store().inspect(unified(Buffer.from('QFI\xfb', 'latin1')))).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  it('makes a FIFO without waiting at it, and stops when it is told to', async () => {
    const image = unified(tar(metadata, rootfs, { name: 'rootfs/pipe', type: 'fifo' }));
    await store().unpackRootfs(image, target, limits);
    expect(lstatSync(join(target, 'pipe')).isFIFO()).toBe(true);
    const other = join(directory, 'other');
    mkdirSync(other);
    await expect(store().unpackRootfs(image, other, limits, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('unpacks only into an empty directory', async () => {
    writeFileSync(join(target, 'there'), '');
    await expect(store().unpackRootfs(unified(tar(metadata, rootfs)), target, limits)).rejects.toThrow(/not empty/);
  });
});
