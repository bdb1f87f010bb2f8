import xterm, { type Terminal } from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Screen, scrollbackLines } from './screen.ts';
import { readInternals } from './screen-internals.ts';

const size = { cols: 40, rows: 10 };
const silent = { onTitle: () => undefined, onReply: () => undefined, onFlow: () => undefined };

function plainTerminal(): Terminal {
  return new xterm.Terminal({ ...size, scrollback: scrollbackLines, allowProposedApi: true });
}
const write = (terminal: Terminal, bytes: string | Buffer) => new Promise<void>((done) => terminal.write(bytes, done));
const drawn = (screen: Screen) => new Promise<void>((done) => screen.whenDrawn(done));

/** All that can be seen, and what decides how the next byte is drawn. */
function looks(terminal: Terminal) {
  const { active } = terminal.buffer;
  const rows = Array.from({ length: active.length }, (_, index) => {
    const line = active.getLine(index);
    const cells = Array.from({ length: terminal.cols }, (_cell, column) => {
      const cell = line?.getCell(column);
      return `${cell?.getChars() || ' '}${cell?.getFgColor() ?? ''}${cell?.isBold() ? 'b' : ''}`;
    });
    // The topmost row goes on a row that has left the scrollback: nothing can be seen of that.
    return `${index > 0 && line?.isWrapped === true}${cells.join('')}`;
  });
  const { margins, isCursorHidden, mouseEncoding, lineDrawing } = readInternals(terminal);
  return {
    rows,
    type: active.type,
    x: active.cursorX,
    y: active.cursorY,
    modes: terminal.modes,
    margins,
    isCursorHidden,
    mouseEncoding,
    lineDrawing,
  };
}

/** Feeds a screen, and shows it on a terminal as a viewer would see it. */
async function viewed(feed: (screen: Screen) => void | Promise<void>, then = ''): Promise<Terminal> {
  const screen = new Screen(size, silent);
  await feed(screen);
  await drawn(screen);
  const viewer = plainTerminal();
  await write(viewer, screen.serialize());
  await write(viewer, then);
  screen.dispose();
  return viewer;
}
async function expected(text: string | Buffer): Promise<Terminal> {
  const terminal = plainTerminal();
  await write(terminal, text);
  return terminal;
}
const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => `${line(index)}\r\n`).join('');

describe('a viewer who comes later sees the same as one who was there', () => {
  it.each([
    ['colours and a cursor in the middle', '\x1b[31mred\x1b[1m bold\r\nplain\x1b[2A\x1b[5C', 'X'],
    ['the alternate screen', 'before\r\n\x1b[?1049hinside\x1b[5;5Hhere', 'X'],
    ['a scroll region', '\x1b[3;6r\x1b[6;1Hin the region', '\r\nmore\r\nand more\r\n'],
    ['a scroll region with origin mode', '\x1b[3;6r\x1b[?6h\x1b[2;3Hx', '\x1b[1;1HY'],
    ['line drawing', '\x1b(0lqqk', 'x'],
    ['line drawing in G1', '\x1b)0\x0elqqk', 'x\x0fx'],
    ['hidden cursor and mouse', '\x1b[?25l\x1b[?1002h\x1b[?1006h\x1b[?2004h\x1b[?1h', 'X'],
    ['half of an escape sequence', 'text \x1b[3', '2mgreen'],
    ['half of a title', 'text \x1b]2;my ti', 'tle\x07after'],
  ])('with %s', async (_name, before, after) => {
    const viewer = await viewed((screen) => screen.feed(Buffer.from(before)), after);
    expect(looks(viewer)).toEqual(looks(await expected(before + after)));
  });
  it('with half of a character', async () => {
    const bytes = Buffer.from('price: €5');
    const screen = new Screen(size, silent);
    screen.feed(bytes.subarray(0, 9));
    await drawn(screen);
    const viewer = plainTerminal();
    await write(viewer, Buffer.concat([screen.serialize(), bytes.subarray(9)]));
    expect(looks(viewer)).toEqual(looks(await expected(bytes)));
  });
  it('after a resize between bytes', async () => {
    const screen = new Screen({ cols: 80, rows: 10 }, silent);
    screen.feed(Buffer.from('x'.repeat(60)));
    screen.resize(size);
    screen.feed(Buffer.from('\r\nnext'));
    await drawn(screen);
    expect(screen.size).toEqual(size);
    const viewer = plainTerminal();
    await write(viewer, screen.serialize());
    const witness = new xterm.Terminal({ cols: 80, rows: 10, scrollback: scrollbackLines, allowProposedApi: true });
    await write(witness, 'x'.repeat(60));
    witness.resize(size.cols, size.rows);
    await write(witness, '\r\nnext');
    expect(looks(viewer)).toEqual(looks(witness));
  });
});

describe('a flood', () => {
  const prefixes = [
    '',
    'a\r\nb',
    '\x1b[31m',
    '\x1b[?1049h',
    '\x1b[5;8r',
    '\x1b[4h',
    '\x1b[?7l',
    '\x1b(0',
    '\x1b[20h',
    '\x1b]2;open title ',
  ];
  it('ends in the same screen, whatever came before', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...prefixes), { maxLength: 3 }),
        fc.integer({ min: 1, max: 90 }),
        fc.constantFrom('', 'no end', '\x1b[1mbold', '\r\n'),
        fc.constantFrom(4096, 65_536, 3_000_000),
        async (before, width, end, chunkBytes) => {
          const count = Math.ceil(2_600_000 / (width + 2));
          const bytes = Buffer.from(
            before.join('') + lines(count, (index) => String(index).padEnd(1 + (index % width), '.')) + end,
          );
          const viewer = await viewed((screen) => {
            for (let at = 0; at < bytes.length; at += chunkBytes) screen.feed(bytes.subarray(at, at + chunkBytes));
          });
          expect(looks(viewer)).toEqual(looks(await expected(bytes)));
        },
      ),
      { numRuns: 6 },
    );
  });
  it('of plain text is mostly not parsed, and does not stop the pty', async () => {
    const chunk = Buffer.from(lines(1000, () => 'the same line'));
    const screen = new Screen(size, silent);
    const before = performance.now();
    let wasBehind = false;
    for (let index = 0; index < 6000; index++) {
      screen.feed(chunk);
      wasBehind ||= screen.isBehind;
    }
    await drawn(screen);
    const seconds = (performance.now() - before) / 1000;
    expect(wasBehind).toBe(false);
    // 90 MB: the parser alone does some 30 MB a second on this kind of machine; told here only so that a loss of the shortcut is seen.
    expect(seconds).toBeLessThan(20);
    screen.dispose();
  });
  it('that has to be parsed makes the pty wait, and it goes on', async () => {
    const flow: boolean[] = [];
    const screen: Screen = new Screen(size, { ...silent, onFlow: () => flow.push(screen.isBehind) });
    const chunk = Buffer.from('\x1b[32mgreen\x1b[0m '.repeat(5000));
    while (!screen.isBehind) screen.feed(chunk);
    await drawn(screen);
    expect(screen.isBehind).toBe(false);
    expect(flow).toContain(false);
    screen.dispose();
  });
});

it('finds what it needs inside this version of xterm', () => {
  const terminal = plainTerminal();
  expect(readInternals(terminal)).toEqual({
    isInSequence: false,
    hasPartialCharacter: false,
    margins: { top: 0, bottom: 9 },
    isCursorHidden: false,
    mouseEncoding: 'DEFAULT',
    lineDrawing: { g0: false, g1: false, active: 0 },
  });
});
