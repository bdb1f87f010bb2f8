import serializeAddon from '@xterm/addon-serialize';
import xterm, { type Terminal } from '@xterm/headless';
import { plainLength, tailOffset, unfinishedTail } from './plain-text.ts';
import { readInternals } from './screen-internals.ts';

export const scrollbackLines = 5000;
const sliceBytes = 64 * 1024;
/** From here on a flood is coming in: the parser waits, because most of it will be scrolled away. */
const floodBytes = 32 * 1024;
/** Here what will have been scrolled away is dropped; when nothing can be dropped, the pty has to wait for the parser. */
const compactBytes = 2 * 1024 * 1024;
const mostBacklogBytes = 8 * 1024 * 1024;
const floodPauseMs = 10;
const recentBytes = 4096;

interface Size {
  cols: number;
  rows: number;
}
type Item = { bytes: Buffer } | { resize: Size };

export interface ScreenEvents {
  onTitle(title: string): void;
  /** Answers to questions of the program (where is the cursor), for when nobody else is there to answer. */
  onReply(data: string): void;
  /** `isBehind` or the waiting have changed. */
  onFlow(): void;
}

/**
 * Headless screen of a session. Bytes are parsed in slices beside the byte pump, and a flood of plain text that would scroll out of the scrollback
 * before anybody sees it is never parsed at all: only what ends in the same screen is.
 */
export class Screen {
  readonly #terminal: Terminal;
  readonly #serializer = new serializeAddon.SerializeAddon();
  readonly #events: ScreenEvents;
  #backlog: Item[] = [];
  #backlogBytes = 0;
  #fedBytes = 0;
  #compactAt = compactBytes;
  #recent = Buffer.alloc(0);
  #isParsing = false;
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  #waiting: (() => void)[] = [];
  #isDisposed = false;
  #size: Size;

  constructor(size: Size, events: ScreenEvents) {
    this.#size = size;
    this.#events = events;
    this.#terminal = new xterm.Terminal({
      ...size,
      scrollback: scrollbackLines,
      allowProposedApi: true,
      logLevel: 'off',
    });
    this.#terminal.loadAddon(this.#serializer);
    this.#terminal.onTitleChange((title) => events.onTitle(title));
    this.#terminal.onData((data) => events.onReply(data));
  }

  /** Size after all that was fed. */
  get size(): Size {
    return this.#size;
  }
  /** True when the pty should not be read until the parser has caught up. */
  get isBehind(): boolean {
    return this.#backlogBytes > mostBacklogBytes || this.#waiting.length > 0;
  }

  feed(bytes: Buffer): void {
    this.#backlog.push({ bytes });
    this.#backlogBytes += bytes.length;
    this.#fedBytes += bytes.length;
    if (this.#backlogBytes > this.#compactAt && !this.#isParsing) this.#compact();
    this.#schedule();
  }

  resize(size: Size): void {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#backlog.push({ resize: size });
    this.#schedule();
  }

  /** Calls back in the turn in which all that was fed so far, and nothing else, is on the screen. Nothing must be fed in between: see `isBehind`. */
  whenDrawn(callback: () => void): void {
    this.#waiting.push(callback);
    this.#events.onFlow();
    this.#schedule();
  }

  /** Bytes that draw this screen, its scrollback and modes on a fresh terminal of the same size. */
  serialize(): Buffer {
    const internals = readInternals(this.#terminal);
    const tail = unfinishedTail(this.#recent, internals.isInSequence === true);
    const text = this.#serializer.serialize({ scrollback: scrollbackLines });
    // The serializer draws the alternate screen on from the attributes at the cursor of the normal one.
    const drawing = text.replace('\x1b[?1049h', '\x1b[0m\x1b[?1049h');
    return Buffer.concat([Buffer.from(drawing + this.#moreModes()), tail]);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#waiting = [];
    this.#terminal.dispose();
  }

  /** Modes that the serializer leaves out. */
  #moreModes(): string {
    const { margins, isCursorHidden, mouseEncoding, lineDrawing } = readInternals(this.#terminal);
    const { rows, modes } = this.#terminal;
    const { cursorX, cursorY } = this.#terminal.buffer.active;
    let text = '';
    const hasMargins = margins !== null && (margins.top !== 0 || margins.bottom !== rows - 1);
    if (hasMargins) text += `\x1b[${margins.top + 1};${margins.bottom + 1}r`;
    // Both margins and origin mode send the cursor home.
    const firstRow = modes.originMode && margins ? margins.top : 0;
    if (hasMargins || modes.originMode) text += `\x1b[${cursorY - firstRow + 1};${cursorX + 1}H`;
    if (mouseEncoding === 'SGR') text += '\x1b[?1006h';
    if (mouseEncoding === 'SGR_PIXELS') text += '\x1b[?1016h';
    if (isCursorHidden) text += '\x1b[?25l';
    if (lineDrawing.g0) text += '\x1b(0';
    if (lineDrawing.g1) text += '\x1b)0';
    if (lineDrawing.active === 1) text += '\x0e';
    return text;
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isParsing || this.#isDisposed) return;
    const isFlood =
      this.#backlogBytes > floodBytes && this.#backlogBytes <= this.#compactAt && this.#waiting.length === 0;
    const fedBytes = this.#fedBytes;
    const run = () => {
      this.#timer = null;
      // In a flood it is a pause in it that lets the parser go on.
      if (isFlood && fedBytes !== this.#fedBytes) this.#schedule();
      else this.#work();
    };
    this.#timer = isFlood ? setTimeout(run, floodPauseMs) : setImmediate(run);
  }

  #work(): void {
    if (this.#isParsing || this.#isDisposed) return;
    const item = this.#backlog[0];
    if (!item) return this.#drawn();
    if ('resize' in item) {
      this.#backlog.shift();
      this.#terminal.resize(item.resize.cols, item.resize.rows);
      return this.#schedule();
    }
    const slice = this.#take();
    this.#isParsing = true;
    this.#terminal.write(slice, () => {
      this.#isParsing = false;
      if (this.#isDisposed) return;
      this.#remember(slice);
      if (this.#backlogBytes > this.#compactAt) this.#compact();
      this.#events.onFlow();
      if (this.#backlog.length === 0) this.#drawn();
      else this.#schedule();
    });
  }

  #drawn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
    if (waiting.length > 0) this.#events.onFlow();
  }

  #take(): Buffer {
    const parts: Buffer[] = [];
    let left = sliceBytes;
    for (let item = this.#backlog[0]; item && 'bytes' in item && left > 0; item = this.#backlog[0]) {
      const piece = item.bytes.subarray(0, left);
      parts.push(piece);
      left -= piece.length;
      if (piece.length === item.bytes.length) this.#backlog.shift();
      else this.#backlog[0] = { bytes: item.bytes.subarray(piece.length) };
    }
    const slice = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    this.#backlogBytes -= slice.length;
    return slice;
  }

  #remember(bytes: Buffer): void {
    const last = bytes.subarray(-recentBytes);
    this.#recent =
      last.length === recentBytes ? Buffer.from(last) : Buffer.concat([this.#recent, last]).subarray(-recentBytes);
  }

  /**
   * Replaces the plain start of the backlog by its last lines. That ends in the same screen, because plain text changes no mode, and because the kept
   * lines are so many that all before them has left the screen and the scrollback; it holds only where all rows scroll and no sequence is open.
   */
  #compact(): void {
    const { isInSequence, hasPartialCharacter, margins } = readInternals(this.#terminal);
    const { rows, cols } = this.#terminal;
    const scrollsWhole = margins !== null && margins.top === 0 && margins.bottom === rows - 1;
    if (isInSequence !== false || hasPartialCharacter || !scrollsWhole || cols < 1) return;
    const upTo = this.#backlog.findIndex((item) => 'resize' in item);
    const front = upTo < 0 ? this.#backlog : this.#backlog.slice(0, upTo);
    const bytes = Buffer.concat(front.map((item) => ('bytes' in item ? item.bytes : Buffer.alloc(0))));
    const plain = bytes.subarray(0, plainLength(bytes));
    const from = tailOffset(plain, scrollbackLines + 2 * rows);
    if (from > 0) {
      const kept = Buffer.from(bytes.subarray(from)); // a copy, so that the dropped part can be freed
      this.#backlog.splice(0, front.length, { bytes: Buffer.from('\r\n') }, { bytes: kept });
      this.#backlogBytes -= from - 2;
    }
    // Long lines leave much; then the next look is worth its while only later.
    this.#compactAt = Math.max(compactBytes, Math.min(mostBacklogBytes, 2 * this.#backlogBytes));
  }
}
