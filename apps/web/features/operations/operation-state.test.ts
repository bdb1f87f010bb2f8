import { expect, test } from 'vitest';
import { subjectsOf } from './operation-state.ts';

test('an operation leads to what it is about', () => {
  const resources = {
    instances: ['/1.0/instances/web1', '/1.0/instances/web1/snapshots/s0?project=default'],
    networks: ['/1.0/networks/stbr0'],
    images: [`/1.0/images/${'ab'.repeat(32)}`],
  };
  expect(subjectsOf({ resources })).toEqual([
    { name: 'web1', href: '/instance?name=web1' },
    { name: 'web1/s0', href: '/instance?name=web1' },
    { name: 'stbr0', href: '/network?name=stbr0' },
    { name: 'abababababab', href: null },
  ]);
  expect(subjectsOf({ resources: null })).toEqual([]);
});
