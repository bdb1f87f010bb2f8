import { readFile, rm, truncate } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { DomainError } from '@stapes/contract/errors';
import { hostEnvironment } from '../../host/run.ts';
import type { ExecSpec, HostCommand, InstancePowers, InstanceRef } from '../driver.ts';
import type { LxcObserver } from './lxc-observer.ts';
import { readTail } from './lxc-start.ts';
import type { LxcPaths } from './lxc-paths.ts';

const consoleTailBytes = 1024 * 1024;
/** Changes directory inside, then becomes the command; values travel as arguments only, never as program text. */
const changeDirectory = ['/bin/sh', '-c', 'cd -- "$1" || exit 126; shift; exec "$@"', 'sh'];

export async function execCommand(
  paths: LxcPaths,
  observer: LxcObserver,
  ref: InstanceRef,
  spec: ExecSpec,
): Promise<HostCommand> {
  const { status } = await observer.inspect(ref);
  if (status !== 'Running')
    throw new DomainError(
      'wrong-state',
      status === 'Frozen' ? 'The instance is frozen; unfreeze it first' : 'The instance is not running; start it first',
    );
  if (spec.command.length === 0)
    throw new DomainError('invalid', 'No command was given', { details: { field: 'command' } });
  const values = [...spec.command, ...Object.entries(spec.environment).flat(), spec.cwd ?? ''];
  if (values.some((value) => value.includes('\0')))
    throw new DomainError('invalid', 'A command, variable or folder may not contain a NUL character');
  const args = ['-P', paths.lxcPath, '-n', ref.id, '--clear-env'];
  for (const [name, value] of Object.entries(spec.environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new DomainError('invalid', `"${name}" is not a name for an environment variable`, {
        details: { field: 'environment' },
      });
    args.push('-v', `${name}=${value}`);
  }
  if (spec.uid !== undefined) args.push('--uid', String(spec.uid));
  if (spec.gid !== undefined) args.push('--gid', String(spec.gid));
  const moved =
    spec.cwd === undefined || spec.cwd === '' || spec.cwd === '/'
      ? spec.command
      : [...changeDirectory, spec.cwd, ...spec.command];
  return { file: 'lxc-attach', args: [...args, '--', ...moved], env: hostEnvironment };
}

export function consolePower(paths: LxcPaths, observer: LxcObserver): NonNullable<InstancePowers['console']> {
  return {
    async command(ref) {
      const { status } = await observer.inspect(ref);
      if (status !== 'Running' && status !== 'Frozen')
        throw new DomainError('wrong-state', 'The instance is not running; start it first');
      // ^A q leaves the console, as people know it.
      return {
        file: 'lxc-console',
        args: ['-P', paths.lxcPath, '-n', ref.id, '-t', '0', '-e', '^a'],
        env: { ...hostEnvironment, TERM: 'xterm-256color' },
      };
    },
  };
}

export function consoleLogPower(paths: LxcPaths): NonNullable<InstancePowers['consoleLog']> {
  return {
    async read(ref) {
      return readTail(paths.consoleLog(ref), 0, consoleTailBytes);
    },
    async clear(ref) {
      // LXC appends, so it goes on at the new beginning.
      if (existsSync(paths.consoleLog(ref))) await truncate(paths.consoleLog(ref));
    },
  };
}

/** Names are looked up in this list; a user's text never becomes a path. */
function logFiles(paths: LxcPaths, ref: InstanceRef): Map<string, string> {
  return new Map([
    ['lxc.log', paths.log(ref)],
    ['console.log', paths.consoleLog(ref)],
    ['lxc.conf', paths.config(ref)],
  ]);
}

export function logsPower(paths: LxcPaths): NonNullable<InstancePowers['logs']> {
  const find = (ref: InstanceRef, name: string): string => {
    const path = logFiles(paths, ref).get(name);
    if (path === undefined || !existsSync(path))
      throw new DomainError('not-found', `There is no log "${name}" for this instance`);
    return path;
  };
  return {
    async list(ref) {
      return [...logFiles(paths, ref)].flatMap(([name, path]) => (existsSync(path) ? [name] : []));
    },
    async read(ref, name) {
      return readFile(find(ref, name));
    },
    async remove(ref, name) {
      const path = find(ref, name);
      if (name === 'lxc.conf')
        throw new DomainError('forbidden', 'The configuration that LXC was started with cannot be deleted');
      // A running monitor keeps its file open: emptying is what removes.
      await truncate(path);
      await rm(path);
    },
  };
}
