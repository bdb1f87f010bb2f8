import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Fixture, image, type ListedInstance, type LxcClient, missing, startFixture } from './client.ts';

let fixture: Fixture;
let client: LxcClient;
beforeAll(async () => {
  fixture = await startFixture();
  client = fixture.client;
  await client.lxc('launch', image, 'web1', '-c', 'user.role=front');
  await client.lxc('init', image, 'web2');
  await client.lxc('init', image, 'db', '--ephemeral');
});
afterAll(() => fixture?.end());

const names = async (...args: string[]) =>
  (await client.lxc('list', '-c', 'n', '--format', 'csv', ...args)).split('\n').filter(Boolean);

test('formats: table, compact, csv, json, yaml', async () => {
  const table = await client.lxc('list');
  expect(table).toMatch(/\|\s+NAME\s+\|\s+STATE\s+\|\s+IPV4\s+\|/);
  expect(table).toMatch(/\| web1\s+\| RUNNING/);
  expect(table).toMatch(/\| web2\s+\| STOPPED/);
  expect(await client.lxc('list', '--format', 'compact')).toMatch(/web1\s+RUNNING/);
  expect((await client.lxc('list', '--format', 'csv')).split('\n')).toHaveLength(3);
  const json = await client.json<ListedInstance[]>('list', '--format', 'json');
  expect(json.map(({ name }) => name).sort()).toEqual(['db', 'web1', 'web2']);
  expect(json.find(({ name }) => name === 'web1')?.state?.pid).toBeGreaterThan(0);
  const yaml = parse(await client.lxc('list', '--format', 'yaml')) as unknown[];
  expect(yaml).toHaveLength(3);
});

test('filters by name, key, state and type', async () => {
  expect(await names('web')).toEqual(['web1', 'web2']);
  expect(await names('^db$')).toEqual(['db']);
  expect(await names('user.role=front')).toEqual(['web1']);
  expect(await names('status=running')).toEqual(['web1']);
  expect(await names('status=STOPPED')).toEqual(['db', 'web2']);
  expect(await names('type=container')).toEqual(['db', 'web1', 'web2']);
  expect(await names('type=virtual-machine')).toEqual([]);
  expect(await names('name=web1')).toEqual(['web1']);
  expect(await names('nothing')).toEqual([]);
});

test('columns', async () => {
  const row = (await client.lxc('list', 'web1', '--format', 'csv', '-c', 'nstSPapNcdmuDlb')).split(',');
  const [name, status, type] = row;
  expect([name, status, type]).toEqual(['web1', 'RUNNING', 'CONTAINER']);
  expect(await client.lxc('list', 'web1', '--format', 'csv', '-c', 'n,user.role:PART')).toBe('web1,front');
  expect(await client.lxc('list', 'db', '--format', 'csv', '-c', 'nt')).toMatch(/^db,CONTAINER \(EPHEMERAL\)$/);
  expect(await client.lxc('list', 'web1', '--format', 'csv', '-c', 'P')).toBe('default');
  expect(await client.lxc('list', 'web1', '--format', 'csv', '-c', 'b')).not.toBe('');
  expect(await client.lxc('list', 'web1', '--format', 'csv', '-c', 'S')).toBe('0');
});

test('all projects and one that is not there', async () => {
  expect(await names('--all-projects')).toEqual(['db', 'web1', 'web2']);
  expect(await names('--project', 'default')).toHaveLength(3);
  expect(await client.fail('list', '--project', 'other')).toMatch(missing);
});
