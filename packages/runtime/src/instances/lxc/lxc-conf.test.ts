import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeMountPath, serializeConf } from './lxc-conf.ts';

/** As LXC reads it: one setting a line, key and value around the first `=`, spaces trimmed, one pair of quotes taken off. */
function parse(text: string): [string, string][] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const at = line.indexOf('=');
      const value = line.slice(at + 1).replace(/^ +| +$/g, '');
      const quote = value[0];
      const paired = value.length > 1 && (quote === '"' || quote === "'") && value.endsWith(quote);
      return [line.slice(0, at).trim(), paired ? value.slice(1, -1) : value];
    });
}

test('what is written reads back as the same settings, or is refused', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.constantFrom('a\nlxc.hook.start = /x', 'a\r', '\0', 'a\u2028b', '"q"', '#', '', '='),
  );
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.constantFrom('lxc.environment', 'lxc.uts.name', 'lxc.net.0.name'), value }), {
        maxLength: 5,
      }),
      (entries) => {
        let text: string;
        try {
          text = serializeConf(entries);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid' });
          return;
        }
        expect(parse(text)).toEqual(entries.map((entry) => [entry.key, entry.value]));
      },
    ),
    { numRuns: 2000 },
  );
});

test('every control character is refused, in values and in keys', () => {
  for (const code of [...Array(32).keys(), 127, 0x85, 0x9f, 0x2028, 0x2029]) {
    const char = String.fromCharCode(code);
    expect(() => serializeConf([{ key: 'lxc.environment', value: `A=a${char}b` }])).toThrow(/control character/);
    expect(() => serializeConf([{ key: `lxc.${char}x`, value: 'a' }])).toThrow();
  }
  for (const key of ['lxc', 'lxc.', 'other.key', 'lxc.a b', 'lxc.a=b', 'LXC.a', ''])
    expect(() => serializeConf([{ key, value: 'a' }])).toThrow();
});

test('spaces and quotes around a value survive', () => {
  for (const value of ['"a"', "'a'", ' a', 'a ', ' ', '"', '""', "'", '"a'] as const)
    expect(parse(serializeConf([{ key: 'lxc.environment', value }]))).toEqual([['lxc.environment', value]]);
  expect(serializeConf([{ key: 'lxc.environment', value: 'A="a"' }])).toBe('lxc.environment = A="a"\n');
});

test('a path stays one field of a mount entry', () => {
  fc.assert(
    fc.property(fc.string(), (path) => !/[ #]/.test(escapeMountPath(path)) && decode(escapeMountPath(path)) === path),
  );
});

function decode(text: string): string {
  return text.replace(/\\(040|043|134)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}
