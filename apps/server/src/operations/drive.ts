import { messageOf } from '@stapes/contract/errors';
import { errorColumns, type LiveOperation } from './live-operation.ts';
import { Halted, type OperationLog } from './log.ts';
import { forwardOnly, goesBack, nextMove } from './moves.ts';
import type { Saga } from './saga.ts';

/** Params are for driving on only, and may hold what their user would not keep for 30 days (cloud-init data). */
const forgotten = { params: null, stuck: false };
/** Between the first error and that of the undo, of which only the latest is kept. */
const stuckText = ' (and the step ';

export interface Drive {
  saga: Saga<unknown>;
  params: unknown;
  live: LiveOperation;
  log: OperationLog;
  closed: AbortSignal;
}

/** Drives an operation along its log until it rests. Throws Halted when the server ends, and what the log throws when it cannot be written. */
export async function drive(run: Drive): Promise<void> {
  const { saga, log } = run;
  for (;;) {
    const move = nextMove(saga, log.lines);
    if (move.do === 'rest') return rest(run, move.outcome);
    const went = move.do === 'run' ? await runStep(run, move.step) : await undoStep(run, move.step);
    if (!went) return;
  }
}

async function rest({ live, log }: Drive, outcome: 'success' | 'undone'): Promise<void> {
  if (outcome === 'success') return log.commit({ ...forgotten, status: 'Success', errorCode: '', error: '' });
  const { errorCode, error } = live.row;
  return log.commit({
    ...forgotten,
    status: errorCode === 'cancelled' ? 'Cancelled' : 'Failure',
    error: error.split(stuckText)[0] ?? '',
  });
}

/** The line before a step that starts: has it been written already (with the operation's row, or before a crash)? */
function startedLast(log: OperationLog, step: string, event: 'started' | 'undo-started'): boolean {
  const last = log.lines.at(-1);
  return last?.step === step && last.event === event;
}

async function runStep(run: Drive, index: number): Promise<boolean> {
  const { saga, params, live, log, closed } = run;
  const step = saga.steps[index] as Saga<unknown>['steps'][number];
  if (!startedLast(log, step.name, 'started')) {
    log.add(step.name, 'started');
    await log.commit();
  }
  const noWayBack = forwardOnly(saga, log.lines);
  if (noWayBack) live.cancelable = false;
  live.enter(step.name);
  try {
    // Past the point of no return a cancel that came too late is not heard.
    const signal = noWayBack ? new AbortController().signal : live.abort.signal;
    signal.throwIfAborted();
    await step.run(params, live.tools(signal));
    if (closed.aborted) throw new Halted('The server ends');
    log.add(step.name, 'done');
    return true;
  } catch (error) {
    if (closed.aborted) throw new Halted('The server ends');
    return stepFailed(run, step.name, error);
  }
}

async function stepFailed({ saga, live, log }: Drive, step: string, error: unknown): Promise<boolean> {
  live.cancelable = false;
  log.add(step, 'failed', messageOf(error));
  if (!goesBack(saga, log.lines)) {
    const { errorCode, error: text } = errorColumns(error, false);
    await log.commit({
      status: 'Failure',
      stuck: true,
      errorCode,
      error: `${text} (the step "${step}" cannot be undone; retry the operation to go on)`,
    });
    return false;
  }
  // Kept in memory until the next commit, which holds the `failed` line too.
  const cancelled = live.abort.signal.aborted;
  live.change({ ...errorColumns(error, cancelled), status: cancelled ? 'Cancelling' : 'Running' });
  return true;
}

async function undoStep({ saga, params, live, log, closed }: Drive, index: number): Promise<boolean> {
  const step = saga.steps[index] as Saga<unknown>['steps'][number];
  live.cancelable = false;
  const { errorCode, error, status } = live.row;
  if (!startedLast(log, step.name, 'undo-started')) {
    log.add(step.name, 'undo-started');
    await log.commit({ errorCode, error, status });
  }
  live.enter(step.name);
  try {
    await step.undo(params, live.tools(new AbortController().signal));
  } catch (failure) {
    if (closed.aborted) throw new Halted('The server ends');
    log.add(step.name, 'undo-failed', messageOf(failure));
    const first = error.split(stuckText)[0] ?? '';
    await log.commit({
      status: 'Failure',
      stuck: true,
      error: `${first}${stuckText}"${step.name}" could not be undone: ${messageOf(failure)}; retry the operation when the reason is gone)`,
    });
    return false;
  }
  if (closed.aborted) throw new Halted('The server ends');
  log.add(step.name, 'undone');
  return true;
}
