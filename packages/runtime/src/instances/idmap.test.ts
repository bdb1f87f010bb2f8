import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocateIdmap, commonRange, isolatedSize, parseSubids, readHostRange } from './idmap.ts';

const host = { hostBase: 100_000, size: 10_000_001 };

test('only whole, sane entries of root are read', () => {
  const text =
    '_lxd:1:2\nroot:100000:10000001\n0:5000000:70000\n# root:1:1\nroot:abc:5\nroot:4294967000:1000\nroot:7:0\n\n';
  expect(parseSubids(text)).toEqual([
    { hostBase: 100_000, size: 10_000_001 },
    { hostBase: 5_000_000, size: 70_000 },
  ]);
});

test('one range serves uids and gids', () => {
  expect(commonRange([{ hostBase: 100, size: 100 }], [{ hostBase: 150, size: 100 }])).toEqual({
    hostBase: 150,
    size: 50,
  });
  expect(commonRange([{ hostBase: 100, size: 100 }], [{ hostBase: 200, size: 100 }])).toBeNull();
  expect(commonRange([], [host])).toBeNull();
});

test('a host without entries has the range of a million', () => {
  expect(readHostRange({ subuid: '/nonexistent/a', subgid: '/nonexistent/b' })).toEqual({
    hostBase: 1_000_000,
    size: 1_000_000_000,
  });
});

test('a shared instance has the whole range, an isolated one the first gap behind the first 65536', () => {
  expect(allocateIdmap(host, [], { isolated: false })).toEqual(host);
  expect(allocateIdmap(host, [], { isolated: true })).toEqual({ hostBase: 165_536, size: isolatedSize });
  const taken = [
    { hostBase: 165_536 + 2 * isolatedSize, size: isolatedSize },
    { hostBase: 165_536, size: isolatedSize },
  ];
  expect(allocateIdmap(host, taken, { isolated: true })).toEqual({
    hostBase: 165_536 + isolatedSize,
    size: isolatedSize,
  });
  expect(allocateIdmap(host, taken, { isolated: true, size: isolatedSize + 1 })).toEqual({
    hostBase: 165_536 + 3 * isolatedSize,
    size: isolatedSize + 1,
  });
});

test('a wanted base is kept or refused', () => {
  expect(allocateIdmap(host, [], { isolated: true, base: 500_000 })).toEqual({ hostBase: 500_000, size: isolatedSize });
  expect(() => allocateIdmap(host, [], { isolated: true, base: 10 })).toThrow(/not in root's range/);
  expect(() => allocateIdmap(host, [{ hostBase: 520_000, size: 10 }], { isolated: true, base: 500_000 })).toThrow(
    /overlap/,
  );
});

test('isolated ranges never meet and never leave the host range', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ size: fc.integer({ min: 1, max: 200_000 }), drop: fc.boolean() }), { maxLength: 60 }),
      (requests) => {
        const taken: { hostBase: number; size: number }[] = [];
        for (const { size, drop } of requests) {
          if (drop && taken.length > 0) taken.splice(size % taken.length, 1);
          const got = allocateIdmap({ hostBase: 100_000, size: 100_000_000 }, taken, { isolated: true, size });
          expect(got.size).toBe(size);
          expect(got.hostBase).toBeGreaterThanOrEqual(165_536);
          for (const other of taken)
            expect(got.hostBase + got.size <= other.hostBase || other.hostBase + other.size <= got.hostBase).toBe(true);
          taken.push(got);
        }
      },
    ),
  );
});

test('a full range is an error that says what to do', () => {
  expect(() =>
    allocateIdmap({ hostBase: 100_000, size: 131_072 }, [{ hostBase: 165_536, size: 65_536 }], { isolated: true }),
  ).toThrow(/subuid/);
});
