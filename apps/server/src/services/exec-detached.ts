import { DomainError } from '@stapes/contract/errors';
import { spawnProcess } from '@stapes/runtime/host/run';
import type { HostCommand } from '@stapes/runtime/instances/driver';
import type { StepTools } from '../operations/saga.ts';
import { killCommand } from './exec-control.ts';
import { openRecordings, type OutputLimits, type Recording } from './exec-output.ts';
import { instanceUrl } from './lifecycle.ts';

export interface DetachedExec {
  instanceName: string;
  command: HostCommand;
  /** Where its output is recorded; null when it is not. */
  recordIn: string | null;
  limits?: OutputLimits;
}

/** A command without sockets. */
export async function runDetached(what: DetachedExec, tools: StepTools): Promise<Record<string, unknown>> {
  const recordings = what.recordIn === null ? [] : await openRecordings(what.recordIn, what.limits);
  let code: number;
  try {
    code = await runRecorded(what.command, recordings, tools);
  } finally {
    const ends = await Promise.allSettled(recordings.map((recording) => recording.finish()));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }
  return { return: code, ...outputOf(what.instanceName, recordings) };
}

async function runRecorded(command: HostCommand, recordings: Recording[], tools: StepTools): Promise<number> {
  const kind = recordings.length > 0 ? 'socket' : 'ignore';
  const child = spawnProcess(command.file, command.args, { stdio: ['ignore', kind, kind], env: command.env });
  const kill = () => void (child.pid === undefined ? undefined : killCommand(child.pid));
  tools.signal.addEventListener('abort', kill, { once: true });
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  recordings.forEach((recording, index) => {
    const stream = streams[index];
    if (stream) recording.follow(stream, kill);
  });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on('error', (cause) =>
        reject(new DomainError('internal', `Cannot run ${command.file}: ${String(cause)}`, { cause })),
      );
      child.on('exit', (exitCode, signal) => resolve(exitCode ?? (signal ? 137 : 1)));
    });
    await Promise.race([Promise.all(streams.map(untilClosed)), leftBehind(...streams), atMost(lastWordsMs)]);
    return code;
  } finally {
    tools.signal.removeEventListener('abort', kill);
    for (const stream of streams) if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
  }
}

function untilClosed(stream: NodeJS.ReadableStream & { closed?: boolean }): Promise<void> {
  return new Promise((resolve) => (stream.closed ? resolve() : void stream.once('close', () => resolve())));
}

/** What the command itself has written lies in a buffer by now; a daemon of it may write for ever. */
const lastWordsMs = 5000;
const quietMs = 2000;

function atMost(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** A command that leaves a daemon behind leaves its pipes open, too: nobody waits for those for long. */
export function leftBehind(...streams: NodeJS.ReadableStream[]): Promise<void> {
  return new Promise((resolve) => {
    let timer = setTimeout(resolve, quietMs);
    timer.unref();
    for (const stream of streams) {
      stream.on('data', () => {
        clearTimeout(timer);
        timer = setTimeout(resolve, quietMs);
        timer.unref();
      });
    }
  });
}

function outputOf(instanceName: string, recordings: Recording[]): Record<string, unknown> {
  const [stdout, stderr] = recordings;
  if (!stdout || !stderr) return {};
  const url = (file: string) => `${instanceUrl(instanceName)}/logs/exec-output/${file}`;
  const truncated = [stdout, stderr].flatMap((one, index) => (one.isTruncated() ? [String(index + 1)] : []));
  return {
    output: { '1': url(stdout.name), '2': url(stderr.name) },
    ...(truncated.length > 0 ? { output_truncated: truncated } : {}),
  };
}
