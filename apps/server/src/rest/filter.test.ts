import { isDomainError } from '@stapes/contract/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileFilter } from './filter.ts';

const items = [
  {
    name: 'web1',
    status: 'Running',
    ephemeral: false,
    profiles: ['default', 'big'],
    config: { 'image.os': 'Debian', 'user.note': 'two words' },
    devices: { eth0: { nictype: 'bridged' } },
  },
  {
    name: 'web2',
    status: 'Stopped',
    ephemeral: true,
    profiles: ['default'],
    config: { 'image.os': 'BusyBox' },
    devices: {},
  },
  { name: 'db', status: 'Running', ephemeral: false, profiles: [], config: {}, devices: {} },
];
const names = (filter: string) => items.filter(compileFilter(filter)).map((item) => item.name);

describe('filter', () => {
  test.each([
    ['name eq web1', ['web1']],
    ['name eq WEB1', ['web1']],
    ['name eq web', []],
    ['name eq web.*', ['web1', 'web2']],
    ['name eq ^w', ['web1', 'web2']],
    ['name ne web1', ['web2', 'db']],
    ['not name eq web1', ['web2', 'db']],
    ['not name ne web1', ['web1']],
    ['name eq db,web2', ['web2', 'db']],
    ['name eq db|web2', ['web2', 'db']],
    ['name eq web.* and status eq running', ['web1']],
    ['status eq running and name eq web1 or name eq web2', ['web1', 'web2']],
    ['name eq web2 or name eq web1 and status eq running', ['web1']],
    ['config.image.os eq debian', ['web1']],
    ['config.user.note eq "two words"', ['web1']],
    ['devices.eth0.nictype eq bridged', ['web1']],
    ['devices.eth0.nictype ne bridged', ['web2', 'db']],
    ['ephemeral eq true', ['web2']],
    ['profiles eq big', ['web1']],
    ['name eq [', []],
    ['constructor.name eq Object', []],
  ])('%s', (filter, expected) => {
    expect(names(filter)).toEqual(expected);
  });

  test.each([
    'name',
    'name eq',
    'name gt 1',
    'name eq a and',
    'name eq a name eq b',
    'not',
    'name eq "open',
    'x'.repeat(5000),
  ])('refuses %s', (filter) => {
    expect(() => compileFilter(filter)).toThrow();
  });

  test('any text is a filter or an error of ours, and hostile expressions end', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          items.filter(compileFilter(text));
          items.filter(compileFilter(`name eq ${text}`));
        } catch (error) {
          expect(isDomainError(error)).toBe(true);
        }
      }),
    );
    const long = { name: 'a'.repeat(50_000) };
    expect(compileFilter('name eq (a+)+b')(long)).toBe(false);
  });
});
