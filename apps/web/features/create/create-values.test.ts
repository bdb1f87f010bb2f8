import type { Profile } from '@stapes/contract/profile';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  apiCall,
  emptyValues,
  fieldMessage,
  fieldOf,
  parseEnvironment,
  requestOf,
  shellLine,
  userDataOf,
  type ImageChoice,
} from './create-values.ts';

const profiles: Profile[] = [
  {
    name: 'default',
    description: '',
    config: {},
    devices: { root: { type: 'disk', path: '/', pool: 'fast' }, net: { type: 'nic', network: 'stbr0', name: 'eth0' } },
    used_by: [],
    project: 'default',
  },
];
const choice: ImageChoice = {
  id: 'image:a',
  title: 'Debian',
  detail: '',
  source: { type: 'image', alias: 'debian/12' },
  before: 'nothing',
};

describe('requestOf', () => {
  test('leaves to the profiles what was not touched, and isolates the ids', () => {
    expect(requestOf({ ...emptyValues, name: 'web1' }, choice, profiles)).toEqual({
      name: 'web1',
      type: 'container',
      source: { type: 'image', alias: 'debian/12' },
      profiles: ['default'],
      config: { 'security.idmap.isolated': 'true' },
      start: true,
    });
  });
  test('a size alone keeps the pool of the profile and its device name', () => {
    expect(requestOf({ ...emptyValues, rootSize: '20GiB' }, choice, profiles).devices).toEqual({
      root: { type: 'disk', path: '/', pool: 'fast', size: '20GiB' },
    });
  });
  test('another network replaces the nic of the profile, and none takes it away', () => {
    expect(requestOf({ ...emptyValues, network: 'lab' }, choice, profiles).devices).toEqual({
      net: { type: 'nic', network: 'lab', name: 'eth0' },
    });
    expect(requestOf({ ...emptyValues, network: '-' }, choice, profiles).devices).toEqual({ net: { type: 'none' } });
  });
  test('sends a broken line of the environment on, so that the server names it', () => {
    expect(requestOf({ ...emptyValues, environment: 'A=1\n# no\nbroken line' }, choice, profiles).config).toMatchObject(
      { 'environment.A': '1', 'environment.broken line': '' },
    );
  });
});

test('values of the environment may hold =', () => {
  expect(parseEnvironment('URL=http://x/?a=b\n')).toEqual([['URL', 'http://x/?a=b']]);
});

test('keys and a user become cloud-init, typed user data wins', () => {
  const made = userDataOf({ user: 'ann', sshKeys: 'ssh-ed25519 AAAA a: b', userData: '' });
  expect(made.startsWith('#cloud-config\n')).toBe(true);
  expect(parse(made)).toMatchObject({
    users: ['default', { name: 'ann', ssh_authorized_keys: ['ssh-ed25519 AAAA a: b'] }],
  });
  expect(userDataOf({ user: 'ann', sshKeys: '', userData: '#cloud-config\n' })).toBe('#cloud-config\n');
  expect(userDataOf({ user: '', sshKeys: ' ', userData: '' })).toBe('');
});

test.each([
  ['name', 'name'],
  ['source.alias', 'image'],
  ['config.limits.cpu', 'cpu'],
  ['config.environment.broken line', 'environment'],
  ['devices.root.size', 'rootSize'],
  ['devices.data.pool', 'pool'],
  ['devices.eth0.network', 'network'],
  ['profiles.1', 'profiles'],
  ['config.user.x', null],
  [undefined, null],
])('an error on %s lands on %s', (path, field) => {
  expect(fieldOf(path)).toBe(field);
});

test('the key in front of a message is dropped on its field', () => {
  expect(fieldMessage('config.limits.cpu', 'config.limits.cpu: Give a number')).toBe('Give a number');
});

test('words for a shell are quoted when they must be', () => {
  expect(shellLine(['lxc', 'launch', 'debian/12', 'a b', "it's"])).toBe(`lxc launch debian/12 'a b' 'it'\\''s'`);
  expect(apiCall({ source: { type: 'none' }, description: "it's" })).toContain(`"it'\\''s"`);
});
