import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FastifyInstance } from 'fastify';
import type { FilesService, ImagesService } from '../services/services.ts';
import { contentDisposition } from './headers.ts';
import { testApp, testOperation } from './test-app.ts';

let app: FastifyInstance | undefined;
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stapes-rest-'));
});
afterEach(async () => {
  await app?.close();
  await rm(directory, { recursive: true, force: true });
});

describe('files', () => {
  const entry = { type: 'file' as const, uid: 1, gid: 2, mode: 0o100644, size: 3, modifiedMs: 0 };

  test('read: content and both dialects of headers', async () => {
    const read = vi.fn(async () => ({ entry, stream: Readable.from([Buffer.from([0, 255, 10])]) }));
    app = await testApp({ files: { read } });
    const answer = await app.inject({ url: '/1.0/instances/a/files?path=/tmp/na%22me%0d%0aX-Evil:%201' });
    expect(answer.rawPayload).toEqual(Buffer.from([0, 255, 10]));
    for (const dialect of ['x-lxd', 'x-incus']) {
      expect(answer.headers).toMatchObject({
        [`${dialect}-uid`]: '1',
        [`${dialect}-gid`]: '2',
        [`${dialect}-mode`]: '0644',
        [`${dialect}-type`]: 'file',
      });
    }
    expect(answer.headers['x-evil']).toBeUndefined();
    expect(read).toHaveBeenCalledWith(expect.anything(), 'a', '/tmp/na"me\r\nX-Evil: 1');
  });

  test('a directory is an envelope, a symlink its target, HEAD has headers only', async () => {
    const read: FilesService['read'] = async (_context, _instance, path) =>
      path === '/d'
        ? { entry: { ...entry, type: 'directory', entries: ['x'] }, stream: null }
        : { entry: { ...entry, type: 'symlink', target: '../t' }, stream: null };
    app = await testApp({ files: { read, stat: async () => ({ ...entry, mode: 0o4755 }) } });
    const folder = await app.inject({ url: '/1.0/instances/a/files?path=d' });
    expect(folder.json()).toMatchObject({ type: 'sync', metadata: ['x'] });
    expect(folder.headers['x-lxd-type']).toBe('directory');
    expect((await app.inject({ url: '/1.0/instances/a/files?path=/l' })).body).toBe('../t');
    const head = await app.inject({ method: 'HEAD', url: '/1.0/instances/a/files?path=/f' });
    expect(head.headers['x-incus-mode']).toBe('4755');
    expect(head.body).toBe('');
    expect((await app.inject({ url: '/1.0/instances/a/files' })).statusCode).toBe(400);
  });

  test('write: headers of either dialect, the body as it is', async () => {
    const seen: unknown[] = [];
    const write: FilesService['write'] = async (_context, _instance, path, content, options) => {
      seen.push([path, await text(content), options]);
    };
    app = await testApp({ files: { write } });
    const post = (headers: Record<string, string>) =>
      app!.inject({ method: 'POST', url: '/1.0/instances/a/files?path=/f', payload: '{"not":json', headers });
    expect((await post({ 'x-lxd-uid': '5', 'x-lxd-mode': '0640', 'x-lxd-type': 'file' })).statusCode).toBe(200);
    expect(
      (await post({ 'x-incus-gid': '7', 'x-incus-write': 'append', 'content-type': 'application/json' })).statusCode,
    ).toBe(200);
    expect(seen).toEqual([
      ['/f', '{"not":json', { type: 'file', append: false, uid: 5, mode: 0o640 }],
      ['/f', '{"not":json', { type: 'file', append: true, gid: 7 }],
    ]);
    for (const headers of [
      { 'x-lxd-uid': '-1' },
      { 'x-lxd-mode': '9' },
      { 'x-lxd-type': 'device' },
      { 'x-incus-write': 'x' },
      { 'x-incus-uid': '4294967295' },
    ]) {
      expect((await post(headers as unknown as Record<string, string>)).statusCode, JSON.stringify(headers)).toBe(400);
    }
  });

  test('delete is recursive only when forced', async () => {
    const remove = vi.fn(async () => undefined);
    app = await testApp({ files: { remove } });
    await app.inject({ method: 'DELETE', url: '/1.0/instances/a/files?path=/f' });
    await app.inject({ method: 'DELETE', url: '/1.0/instances/a/files?path=/f', headers: { 'x-incus-force': 'true' } });
    expect(remove.mock.calls.map((call: unknown[]) => call[3])).toEqual([{ recursive: false }, { recursive: true }]);
  });
});

test('content disposition holds nothing raw', () => {
  expect(contentDisposition('a-b_1.tar.gz')).toBe('attachment; filename="a-b_1.tar.gz"');
  for (const name of ['a"b', 'ü', 'a\r\nb', '\ud800', '', "it's", '..;/']) {
    expect(contentDisposition(name)).toMatch(/^attachment; filename="[\w.-]+"(; filename\*=UTF-8''[\w.%~-]*)?$/);
  }
});

describe('image upload', () => {
  const importUpload = vi.fn<ImagesService['importUpload']>(async () => testOperation());
  const dispose = vi.fn(async () => undefined);
  const services = () => ({
    images: { openUpload: async () => ({ directory, maxBytes: 1000, dispose }), importUpload },
  });
  beforeEach(() => {
    importUpload.mockClear();
    dispose.mockClear();
  });

  const multipart = (parts: [string, string][], end = true) => {
    const body = parts
      .map(
        ([name, content]) =>
          `--b\r\nContent-Disposition: form-data; name="${name}"; filename="../../evil"\r\n\r\n${content}\r\n`,
      )
      .join('');
    return { payload: body + (end ? '--b--\r\n' : ''), headers: { 'content-type': 'multipart/form-data; boundary=b' } };
  };
  const post = (request: { payload: string | Buffer; headers: Record<string, string> }) =>
    app!.inject({ method: 'POST', url: '/1.0/images', ...request });

  test('raw', async () => {
    app = await testApp(services());
    const headers = {
      'content-type': 'application/octet-stream',
      'x-lxd-filename': '../x',
      'x-lxd-properties': 'os=Debian&a=b+c',
      'x-incus-public': 'true',
      'x-incus-aliases': 'alias=one&alias=two',
    };
    expect((await post({ payload: Buffer.from([1, 2, 3]), headers })).statusCode).toBe(202);
    expect(await readFile(join(directory, 'metadata'))).toEqual(Buffer.from([1, 2, 3]));
    expect(importUpload.mock.calls[0]?.slice(1)).toEqual([
      { directory, metadataFile: 'metadata', rootfsFile: null },
      {
        filename: '../x',
        public: true,
        properties: { os: 'Debian', a: 'b c' },
        aliases: [{ name: 'one' }, { name: 'two' }],
      },
    ]);
  });

  test('split, under names of ours', async () => {
    app = await testApp(services());
    expect(
      (
        await post(
          multipart([
            ['metadata', 'meta'],
            ['rootfs', 'root'],
          ]),
        )
      ).statusCode,
    ).toBe(202);
    expect((await readdir(directory)).sort()).toEqual(['metadata', 'rootfs']);
    expect(await readFile(join(directory, 'rootfs'), 'utf8')).toBe('root');
    expect(importUpload.mock.calls[0]?.[1]).toEqual({ directory, metadataFile: 'metadata', rootfsFile: 'rootfs' });
  });

  test.each<[string, ReturnType<typeof multipart>, number]>([
    [
      'a disk of a virtual machine',
      multipart([
        ['metadata', 'm'],
        ['rootfs.img', 'r'],
      ]),
      501,
    ],
    [
      'the wrong order',
      multipart([
        ['rootfs', 'r'],
        ['metadata', 'm'],
      ]),
      400,
    ],
    [
      'a third part',
      multipart([
        ['metadata', 'm'],
        ['rootfs', 'r'],
        ['rootfs', 'r'],
      ]),
      400,
    ],
    ['no part', multipart([]), 400],
    ['an early end', multipart([['metadata', 'm']], false), 400],
    ['no boundary', { payload: 'x', headers: { 'content-type': 'multipart/form-data; x=y' } }, 400],
    [
      'too much',
      multipart([
        ['metadata', 'm'.repeat(600)],
        ['rootfs', 'r'.repeat(600)],
      ]),
      413,
    ],
    ['too much raw', { payload: 'm'.repeat(1001), headers: { 'content-type': 'application/octet-stream' } }, 413],
  ])('refuses %s and leaves nothing', async (_name, request, status) => {
    app = await testApp(services());
    expect((await post(request)).statusCode).toBe(status);
    expect(importUpload).not.toHaveBeenCalled();
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  test('JSON: recipes are built, the rest is refused clearly', async () => {
    const build = vi.fn(async () => testOperation());
    app = await testApp({ images: { build } });
    const json = (source: object) =>
      post({ payload: JSON.stringify({ source }), headers: { 'content-type': 'application/json' } });
    expect((await json({ type: 'recipe', recipe: 'busybox' })).statusCode).toBe(202);
    expect(build).toHaveBeenCalledWith(expect.anything(), 'busybox');
    for (const type of ['image', 'url', 'instance', 'snapshot']) expect((await json({ type })).statusCode).toBe(501);
    expect((await json({ type: 'constructor' })).statusCode).toBe(400);
    expect((await json({})).statusCode).toBe(400);
  });
});

describe('image export and aliases', () => {
  test('one file as it is, two as multipart', async () => {
    await writeFile(join(directory, 'm'), 'meta');
    await writeFile(join(directory, 'r'), 'root');
    const meta = { filename: 'abc.tar.xz', path: join(directory, 'm'), sizeBytes: 4, part: 'metadata' as const };
    const root = { filename: 'abc.squashfs', path: join(directory, 'r'), sizeBytes: 4, part: 'rootfs' as const };
    app = await testApp({
      images: { exportFiles: async (_context, fingerprint) => (fingerprint === 'one' ? [meta] : [meta, root]) },
    });
    const one = await app.inject({ url: '/1.0/images/one/export' });
    expect(one.body).toBe('meta');
    expect(one.headers).toMatchObject({
      'content-disposition': 'attachment; filename="abc.tar.xz"',
      'content-length': '4',
    });
    const two = await app.inject({ url: '/1.0/images/two/export' });
    expect(two.headers['content-length']).toBe(String(two.rawPayload.length));
    const form = await new Response(new Uint8Array(two.rawPayload), {
      headers: { 'content-type': String(two.headers['content-type']) },
    }).formData();
    expect([...form.keys()]).toEqual(['metadata', 'rootfs']);
    expect(await (form.get('rootfs') as File).text()).toBe('root');
    expect((form.get('metadata') as File).name).toBe('abc.tar.xz');
  });

  test('an alias may hold a slash, encoded or not', async () => {
    const alias = vi.fn(async (_context: unknown, name: string) => ({
      value: { name, description: 'd', type: 'container' as const, target: 't' },
      etag: '"e"',
    }));
    const putAlias = vi.fn(async () => undefined);
    app = await testApp({ images: { alias, putAlias, createAlias: async () => undefined } });
    for (const url of ['/1.0/images/aliases/debian%2F12', '/1.0/images/aliases/debian/12']) {
      expect((await app.inject({ url })).json().metadata.name).toBe('debian/12');
    }
    await app.inject({ method: 'PATCH', url: '/1.0/images/aliases/debian%2F12', payload: { description: 'new' } });
    expect(putAlias).toHaveBeenCalledWith(
      expect.anything(),
      'debian/12',
      { target: 't', description: 'new' },
      undefined,
    );
    const made = await app.inject({
      method: 'POST',
      url: '/1.0/images/aliases',
      payload: { name: 'debian/12', target: 't' },
    });
    expect(made.headers.location).toBe('/1.0/images/aliases/debian%2F12');
  });
});
