import type { StepEvent } from '../store/store.ts';
import { nothingToUndo, type Saga } from './saga.ts';

/** What the log of an operation asks for next. Pure: the same for an operation that runs and for one that is found after a crash. */
export type Move = { do: 'run' | 'undo'; step: number } | { do: 'rest'; outcome: 'success' | 'undone' };

export interface LogLine {
  step: string;
  event: StepEvent;
}
type Steps = Pick<Saga<unknown>, 'steps'>;

const has = (log: readonly LogLine[], step: string, event: StepEvent) =>
  log.some((line) => line.step === step && line.event === event);

/** A step that destroys has started: there is no way back. */
export function forwardOnly({ steps }: Steps, log: readonly LogLine[]): boolean {
  return steps.some(({ name, undo }) => undo === nothingToUndo && has(log, name, 'started'));
}

export function goesBack(saga: Steps, log: readonly LogLine[]): boolean {
  return log.some(({ event }) => event !== 'started' && event !== 'done') && !forwardOnly(saga, log);
}

export function nextMove(saga: Steps, log: readonly LogLine[]): Move {
  const { steps } = saga;
  if (goesBack(saga, log)) {
    const step = steps.findLastIndex(({ name }) => has(log, name, 'started') && !has(log, name, 'undone'));
    return step === -1 ? { do: 'rest', outcome: 'undone' } : { do: 'undo', step };
  }
  const step = steps.findIndex(({ name }) => !has(log, name, 'done'));
  return step === -1 ? { do: 'rest', outcome: 'success' } : { do: 'run', step };
}

/** Steps in the log that this version of the saga does not have: it cannot be driven on. */
export function unknownSteps({ steps }: Steps, log: readonly LogLine[]): string[] {
  return [...new Set(log.map(({ step }) => step))].filter((step) => !steps.some(({ name }) => name === step));
}
