import type { Terminal } from '@xterm/headless';

/**
 * What a headless xterm knows and does not show in its interface. Read defensively: where another version looks different the answer is null, and the
 * caller does without.
 */
export interface ScreenInternals {
  /** True in the middle of an escape sequence; null when unknown. */
  isInSequence: boolean | null;
  hasPartialCharacter: boolean;
  margins: { top: number; bottom: number } | null;
  isCursorHidden: boolean;
  /** `SGR`, `SGR_PIXELS`, `DEFAULT`. */
  mouseEncoding: string;
  /** Line drawing characters in G0 and G1, and which of them is in use. */
  lineDrawing: { g0: boolean; g1: boolean; active: number };
}

function part(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((at, key) => {
    return typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }, value);
}

export function readInternals(terminal: Terminal): ScreenInternals {
  const core = part(terminal, '_core');
  const state = part(core, '_inputHandler', '_parser', 'currentState');
  const interim = part(core, '_inputHandler', '_utf8Decoder', 'interim');
  const top = part(core, 'buffer', 'scrollTop');
  const bottom = part(core, 'buffer', 'scrollBottom');
  const charsets = part(core, '_charsetService', '_charsets');
  // The DEC special graphics set maps "q" to a horizontal line.
  const isDrawing = (index: number) => part(Array.isArray(charsets) ? charsets[index] : null, 'q') !== undefined;
  const encoding = part(core, 'coreMouseService', '_activeEncoding');
  return {
    isInSequence: typeof state === 'number' ? state !== 0 : null,
    hasPartialCharacter: !(interim instanceof Uint8Array) || interim[0] !== 0,
    margins: typeof top === 'number' && typeof bottom === 'number' ? { top, bottom } : null,
    isCursorHidden: part(core, 'coreService', 'isCursorHidden') === true,
    mouseEncoding: typeof encoding === 'string' ? encoding : 'DEFAULT',
    lineDrawing: { g0: isDrawing(0), g1: isDrawing(1), active: Number(part(core, '_charsetService', 'glevel') ?? 0) },
  };
}
