import { describe, expect, it } from 'vitest';
import { destroyArguments, snapshotArguments } from './subvolume-calls.ts';

describe('arguments of btrfs calls', () => {
  it('lays out a snapshot as the kernel reads it', () => {
    const struct = snapshotArguments(7, 'abc', true);
    expect(struct.length).toBe(4096);
    expect(struct.readBigInt64LE(0)).toBe(7n);
    expect(struct.readBigUInt64LE(8)).toBe(0n);
    expect(struct.readBigUInt64LE(16)).toBe(2n);
    expect(struct.subarray(56, 60).toString()).toBe('abc\0');
    expect(snapshotArguments(7, 'abc', false).readBigUInt64LE(16)).toBe(0n);
  });
  it('lays out a removal', () => {
    const struct = destroyArguments('.gone-1');
    expect(struct.length).toBe(4096);
    expect(struct.subarray(8, 16).toString()).toBe('.gone-1\0');
  });
  it.each(['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(256)])('refuses the name %j', (name) => {
    expect(() => destroyArguments(name)).toThrow(TypeError);
    expect(() => snapshotArguments(3, name, false)).toThrow(TypeError);
  });
});
