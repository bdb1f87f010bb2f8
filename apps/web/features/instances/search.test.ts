import type { InstanceFull } from '@stapes/contract/instance';
import { describe, expect, test } from 'vitest';
import { matches, parseSearch, unknownFields } from './search.ts';

const instance = {
  name: 'web-test-1',
  description: 'Front end',
  type: 'container',
  status: 'Running',
  ephemeral: false,
  profiles: ['default', 'small'],
  expanded_config: { 'image.os': 'Debian', 'image.release': '12', 'user.owner': 'Ann' },
  expanded_devices: { root: { type: 'disk', path: '/', pool: 'fast' }, eth0: { type: 'nic', network: 'stbr0' } },
  snapshots: [],
  state: {
    network: {
      lo: { addresses: [{ family: 'inet', address: '127.0.0.1', netmask: '8', scope: 'global' }] },
      eth0: { addresses: [{ family: 'inet', address: '10.1.2.3', netmask: '24', scope: 'global' }] },
    },
  },
} as unknown as InstanceFull;
const finds = (text: string) => matches(instance, parseSearch(text));

describe('parseSearch', () => {
  test('parts words, fields, negation, lists and quotes', () => {
    expect(parseSearch('  web status:running,frozen -name:test "front end" -description:"old one"')).toEqual([
      { field: null, values: ['web'], negated: false },
      { field: 'status', values: ['running', 'frozen'], negated: false },
      { field: 'name', values: ['test'], negated: true },
      { field: null, values: ['front end'], negated: false },
      { field: 'description', values: ['old one'], negated: true },
    ]);
  });
  test('takes what is half typed without an error', () => {
    expect(parseSearch('status:')).toEqual([{ field: 'status', values: [], negated: false }]);
    expect(parseSearch('-')).toEqual([]);
    expect(parseSearch('"open')).toEqual([{ field: null, values: ['open'], negated: false }]);
    expect(parseSearch('')).toEqual([]);
  });
  test('an IPv6 address is a word, not a field', () => {
    expect(parseSearch('fd42::1')).toEqual([{ field: null, values: ['fd42::1'], negated: false }]);
    expect(parseSearch('ip:fd42::1')).toEqual([{ field: 'ip', values: ['fd42::1'], negated: false }]);
  });
});

describe('matches', () => {
  test.each([
    ['', true],
    ['WEB', true],
    ['web front', true],
    ['web back', false],
    ['status:run', true],
    ['status:stopped,running', true],
    ['-status:running', false],
    ['status:running -name:test', false],
    ['name:web -name:prod', true],
    ['ip:10.1.', true],
    ['ip:2.3', false],
    ['127.0.0.1', false],
    ['profile:small', true],
    ['profile:sma', false],
    ['pool:fast network:stbr0', true],
    ['image:"debian 12"', true],
    ['user.owner:ann', true],
    ['user.owner:', true],
    ['-user.team:', true],
    ['user.team:', false],
    ['constructor:x', false],
  ])('%s is %s', (text, expected) => {
    expect(finds(text)).toBe(expected);
  });
});

test('names the fields that do not exist', () => {
  expect(unknownFields(parseSearch('staus:running name:x limits.cpu:2 -foo:y'))).toEqual(['staus', 'foo']);
});
