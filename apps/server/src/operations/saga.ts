import type { z } from 'zod';

/** Given to each step. */
export interface StepTools {
  /** Aborted when somebody cancels; a step that can take long passes it on. */
  signal: AbortSignal;
  /** Shown in the operations tray and in the operation's metadata. Fraction 0 to 1 or null. */
  progress(text: string, fraction: number | null): void;
  /** Merges into the operation's metadata (`{ fingerprint }`): for the client only, no step can read it. */
  annotate(metadata: Record<string, unknown>): void;
}

/**
 * One step. `run` means *ensure*: safe to repeat, after a crash too. `undo` runs for every step that started, tolerates that nothing happened,
 * and reads params only, never outputs. All ids, names and addresses are minted before step one and lie in the params.
 */
export interface Step<P> {
  /** Unique in its saga; stands in logs. */
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

/**
 * Undo of a step that destroys, and so can only be done (the last steps of a delete). From the moment such a step has *started*, the operation goes on forward only: it cannot be
 * cancelled, a crash resumes it, and when a step fails it rests as stuck and a retry goes on forward. A step that changes nothing (a check) has an undo of its own instead: `undo: async () => {}`.
 */
export const nothingToUndo = async (): Promise<void> => undefined;
