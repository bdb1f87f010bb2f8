import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFrameReader, encodeFrame, encodeJson, frameKinds } from './frames.ts';
import { plainLength, tailOffset, unfinishedTail } from './plain-text.ts';

it('reads what was written, in whatever pieces it comes', () => {
  const frame = fc.oneof(
    fc.record({ kind: fc.constant('bytes' as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
    fc.record({ kind: fc.constant('whole' as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
    fc.record({ kind: fc.constant('json' as const), value: fc.jsonValue() }),
  );
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (frames, steps) => {
      const encoded = frames.map((one) =>
        one.kind === 'json' ? encodeJson(one.value) : encodeFrame(frameKinds[one.kind], Buffer.from(one.bytes)),
      );
      const all = Buffer.concat(encoded);
      const wholes: Buffer[] = [];
      const values: unknown[] = [];
      const streamed: Buffer[] = [];
      const read = createFrameReader({
        onBytes: (bytes) => streamed.push(Buffer.from(bytes)),
        onWhole: (bytes) => wholes.push(Buffer.from(bytes)),
        onJson: (value) => values.push(value),
      });
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const step = steps[turn % steps.length] ?? 1;
        read(all.subarray(at, at + step));
        at += step;
      }
      const of = (kind: 'bytes' | 'whole') =>
        frames.flatMap((one) => (one.kind === kind ? [Buffer.from(one.bytes)] : []));
      expect(Buffer.concat(streamed)).toEqual(Buffer.concat(of('bytes')));
      expect(wholes).toEqual(of('whole'));
      expect(JSON.stringify(values)).toEqual(
        JSON.stringify(frames.flatMap((one) => (one.kind === 'json' ? [one.value] : []))),
      );
    }),
  );
});

it('refuses what is no frame', () => {
  const read = createFrameReader({ onBytes: () => undefined, onWhole: () => undefined, onJson: () => undefined });
  expect(() => read(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow('not a frame');
});

it('knows what only prints', () => {
  const text = Buffer.from('a\tb\r\nc é €');
  expect(plainLength(text)).toBe(text.length);
  for (const control of ['\x1b', '\x07', '\b', '\x0e', '\x7f', '\u009b']) {
    expect(plainLength(Buffer.from(`ab${control}cd`)), JSON.stringify(control)).toBe(2);
  }
});

it.each([
  ['', false, ''],
  ['abc', false, ''],
  ['é', false, ''],
  ['x\xe2\x82', false, '\xe2\x82'],
  ['x\xf0\x9f', false, '\xf0\x9f'],
  ['text \x1b[3', true, '\x1b[3'],
])('keeps the unfinished end of %j', (text, isInSequence, tail) => {
  const bytes = text === 'é' ? Buffer.from('é') : Buffer.from(text, 'latin1');
  expect(unfinishedTail(bytes, isInSequence).toString('latin1')).toBe(tail);
});

it('cuts only after a CR LF, and keeps enough lines', () => {
  const text = Buffer.from('one\r\ntwo\r\nthree\nfour\r\nfive');
  expect(text.subarray(tailOffset(text, 1)).toString()).toBe('three\nfour\r\nfive');
  expect(tailOffset(text, 9)).toBe(0);
});
