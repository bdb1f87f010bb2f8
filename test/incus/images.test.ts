import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Fixture, image, type LxcClient, missing, runProgram, startFixture, taken } from './client.ts';

let fixture: Fixture;
let client: LxcClient;
let folder = '';
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  folder = join(client.directory, 'images');
  mkdirSync(folder);
});
afterAll(() => fixture?.end());

interface Listed {
  fingerprint: string;
  aliases: { name: string }[];
  properties: Record<string, string>;
  size: number;
  public: boolean;
}
const list = () => client.json<Listed[]>('image', 'list', '--format', 'json');
const hashOf = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');

describe('what is there', () => {
  test('list, info, show', async () => {
    const [first] = await list();
    expect(first?.aliases.map(({ name }) => name)).toContain(image);
    expect(await client.lxc('image', 'list')).toMatch(
      new RegExp(`\\| ${image} +\\| ${first?.fingerprint.slice(0, 12)}`),
    );
    expect(await client.lxc('image', 'list', 'no-such')).not.toContain(first?.fingerprint.slice(0, 12));
    const info = await client.lxc('image', 'info', image);
    expect(info).toContain(`Fingerprint: ${first?.fingerprint}`);
    expect(info).toMatch(/Type: container/);
    const sorted = (text: string) => text.split('\n').sort();
    expect(sorted(await client.lxc('image', 'info', first?.fingerprint.slice(0, 12) ?? ''))).toEqual(sorted(info));
    expect(parse(await client.lxc('image', 'show', image))).toMatchObject({
      public: false,
      properties: first?.properties,
    });
    expect(await client.fail('image', 'info', 'nothing')).toMatch(missing);
  });

  test('edit and properties', async () => {
    const shown = parse(await client.lxc('image', 'show', image)) as {
      properties: Record<string, string>;
      public: boolean;
    };
    shown.properties.note = 'edited';
    const edited = await client.run(['image', 'edit', image], { input: stringify(shown) });
    expect(edited.code, edited.stderr).toBe(0);
    expect(await client.lxc('image', 'get-property', image, 'note')).toBe('edited');
    await client.lxc('image', 'set-property', image, 'note', 'again');
    expect((await list())[0]?.properties.note).toBe('again');
    await client.lxc('image', 'unset-property', image, 'note');
    expect((await list())[0]?.properties.note ?? '').toBe('');
  });

  test('aliases', async () => {
    const fingerprint = (await list())[0]?.fingerprint ?? '';
    await client.lxc('image', 'alias', 'create', 'family/one', fingerprint);
    expect(await client.fail('image', 'alias', 'create', 'family/one', fingerprint)).toMatch(taken);
    expect(
      (await client.json<{ name: string }[]>('image', 'alias', 'list', '--format', 'json')).map(({ name }) => name),
    ).toContain('family/one');
    await client.lxc('image', 'alias', 'rename', 'family/one', 'family/two');
    expect(await client.lxc('image', 'info', 'family/two')).toContain(fingerprint);
    await client.lxc('init', 'family/two', 'by-alias');
    await client.lxc('delete', 'by-alias');
    await client.lxc('image', 'alias', 'delete', 'family/two');
    expect(await client.fail('image', 'info', 'family/two')).toMatch(missing);
    expect(await client.fail('image', 'alias', 'create', 'bad', 'f'.repeat(64))).toMatch(missing);
  });
});

describe('export, delete, import', () => {
  test('an exported image has its fingerprint and comes back as the same', async () => {
    const fingerprint = (await list())[0]?.fingerprint ?? '';
    await client.lxc('image', 'export', image, `${folder}/`);
    const files = readdirSync(folder).sort();
    const parts =
      files.length === 1
        ? [files[0] ?? '']
        : [files.find((name) => name.startsWith('meta-')) ?? '', files.find((name) => !name.startsWith('meta-')) ?? ''];
    expect(hashOf(...parts.map((name) => readFileSync(join(folder, name))))).toBe(fingerprint);
    await client.lxc('image', 'delete', image);
    expect(await list()).toEqual([]);
    // The name of a recipe would be built again: that of nothing is refused.
    expect(await client.fail('launch', 'nothing/of-this-name', 'one')).toMatch(missing);
    const imported = await client.lxc(
      'image',
      'import',
      ...parts.map((name) => join(folder, name)),
      '--alias',
      image,
      'note=imported',
    );
    expect(imported).toContain(fingerprint);
    const [again] = await list();
    expect(again).toMatchObject({ fingerprint, properties: { note: 'imported' } });
    await client.lxc('launch', image, 'one');
    expect((await client.run(['exec', 'one', '--', 'true'])).code).toBe(0);
    await client.lxc('delete', '--force', 'one');
    expect(await client.fail('image', 'import', ...parts.map((name) => join(folder, name)))).toMatch(taken);
  });

  test('a split image, with a squashfs or a tar', async () => {
    const root = join(folder, 'root');
    for (const name of ['sbin', 'dev', 'proc', 'sys']) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'marker'), 'split');
    const meta = join(folder, 'meta');
    mkdirSync(meta);
    writeFileSync(
      join(meta, 'metadata.yaml'),
      stringify({ architecture: 'x86_64', creation_date: 1, properties: { os: 'Split', description: 'Split one' } }),
    );
    for (const [file, args] of [
      ['meta.tar.gz', ['-C', meta, '-czf', join(folder, 'meta.tar.gz'), 'metadata.yaml']],
      ['root.tar.xz', ['-C', root, '-cJf', join(folder, 'root.tar.xz'), '.']],
    ] as const)
      expect((await runProgram('tar', args)).code, file).toBe(0);
    await client.lxc('image', 'import', join(folder, 'meta.tar.gz'), join(folder, 'root.tar.xz'), '--alias', 'split');
    const found = (await list()).find(({ properties }) => properties.os === 'Split');
    expect(found?.fingerprint).toBe(
      hashOf(readFileSync(join(folder, 'meta.tar.gz')), readFileSync(join(folder, 'root.tar.xz'))),
    );
    await client.lxc('init', 'split', 'from-split');
    expect(await client.lxc('file', 'pull', 'from-split/marker', '-')).toBe('split');
    await client.lxc('delete', 'from-split');
    const target = join(folder, 'again');
    mkdirSync(target);
    await client.lxc('image', 'export', 'split', `${target}/`);
    expect(readdirSync(target)).toHaveLength(2);
  });

  test('what is no image is refused, and leaves nothing', async () => {
    const before = (await list()).length;
    writeFileSync(join(folder, 'noise'), Buffer.alloc(5000, 7));
    expect(await client.fail('image', 'import', join(folder, 'noise'))).not.toBe('');
    const hostile = join(folder, 'hostile');
    mkdirSync(hostile);
    writeFileSync(join(hostile, 'metadata.yaml'), stringify({ architecture: 'x86_64', creation_date: 1 }));
    await runProgram('ln', ['-s', '/etc', join(hostile, 'rootfs')]);
    await runProgram('tar', ['-C', hostile, '-czf', join(folder, 'hostile.tar.gz'), 'metadata.yaml', 'rootfs']);
    expect(await client.fail('image', 'import', join(folder, 'hostile.tar.gz'))).not.toBe('');
    expect(await list()).toHaveLength(before);
  });

  test('a download from elsewhere says that it is not there yet', async () => {
    expect(
      await client.fail(
        'query',
        '-X',
        'POST',
        '-d',
        '{"source":{"type":"url","url":"http://127.0.0.1/x"}}',
        '/1.0/images',
      ),
    ).toMatch(/not supported/i);
    const { fingerprint } = (await list())[0] ?? { fingerprint: '' };
    expect(await client.fail('query', '-X', 'POST', `/1.0/images/${fingerprint}/refresh`)).toMatch(/refreshed/i);
  });
});
