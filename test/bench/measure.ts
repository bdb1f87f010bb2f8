export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Milliseconds of one call. */
export async function timeMs(run: () => Promise<unknown>): Promise<number> {
  const startedAt = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - startedAt) / 1e6;
}

export interface Pair {
  ours: number[];
  floor: number[];
}

/** The two in turn (A B A B ...), so that a drift of the machine's speed meets both. One warm-up each. */
export async function inTurn(
  runs: number,
  ours: (index: number) => Promise<number>,
  floor: (index: number) => Promise<number>,
): Promise<Pair> {
  const pair: Pair = { ours: [], floor: [] };
  await ours(-1);
  await floor(-1);
  for (let index = 0; index < runs; index++) {
    pair.ours.push(await ours(index));
    pair.floor.push(await floor(index));
  }
  return pair;
}

export interface Line {
  name: string;
  value: number;
  unit: string;
  /** What the figure shall not pass, or shall reach (`atLeast`). */
  target: number;
  atLeast?: boolean;
  detail: string;
}

export function ratioLine(name: string, pair: Pair, target: number): Line {
  const ours = median(pair.ours);
  const floor = median(pair.floor);
  return {
    name,
    value: ours / floor,
    unit: 'x floor',
    target,
    detail: `${ours.toFixed(1)} ms, floor ${floor.toFixed(1)} ms, ${pair.ours.length} runs`,
  };
}

export function isMet(line: Line): boolean {
  return line.atLeast ? line.value >= line.target : line.value <= line.target;
}

export function printLine(line: Line): void {
  const mark = isMet(line) ? 'met   ' : 'MISSED';
  console.log(
    `${mark} ${line.name.padEnd(44)} ${line.value.toFixed(2).padStart(9)} ${line.unit.padEnd(9)} ${line.atLeast ? '>=' : '<='} ${line.target}  (${line.detail})`,
  );
}
