import type { z } from 'zod';

/** Given to each step. */
export interface StepTools {
  /** Aborted when somebody cancels; a step that can take long passes it on. */
  signal: AbortSignal;
  /** Shown in the operations tray and in the operation's metadata. Fraction 0 to 1 or null. */
  progress(text: string, fraction: number | null): void;
}

/**
 * One step. `run` means *ensure*: safe to repeat, after a crash too. `undo` runs for every step that started, tolerates that nothing happened,
 * and reads params only, never outputs. All ids, names and addresses are minted before step one and lie in the params.
 */
export interface Step<P> {
  name: string;
  run(params: P, tools: StepTools): Promise<void>;
  undo(params: P, tools: StepTools): Promise<void>;
}

export interface Saga<P> {
  /** `instance-create`; the key under which recovery finds it again. Never renamed while logs may hold it. */
  kind: string;
  /** Params are stored as JSON and parsed again at recovery. */
  params: z.ZodType<P>;
  steps: readonly Step<P>[];
}

/** A step that only has to be done, and never undone (the last steps of a delete). After it, an operation goes on forward only. */
export const nothingToUndo = async (): Promise<void> => undefined;
