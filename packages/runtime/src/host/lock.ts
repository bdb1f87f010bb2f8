import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import koffi from 'koffi';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

export interface StateDirLock {
  release(): void;
}

/**
 * Takes the state directory for this process, or throws `in-use`. It is a kernel lock (flock) on `$stateDir/lock`: it ends with the process, however that
 * ends, and is not inherited (Node opens files close-on-exec), so no stale lock can be left. The pid in the file is for people only.
 */
export function lockStateDir(stateDir: string): StateDirLock {
  const path = join(stateDir, 'lock');
  const flock = koffi.load(null).func('int flock(int fd, int operation)');
  const fd = openSync(path, 'a+', 0o600);
  if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const errno = koffi.errno();
    closeSync(fd);
    if (errno !== EWOULDBLOCK) throw new DomainError('internal', `Cannot lock ${path} (errno ${errno})`);
    const pid = readFileSync(path, 'utf8').trim();
    throw new DomainError(
      'in-use',
      `Another Stapes server${pid ? ` (pid ${pid})` : ''} uses ${stateDir}: stop it first, or give this one another STAPES_DIR`,
    );
  }
  ftruncateSync(fd, 0);
  writeSync(fd, `${process.pid}\n`);
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}
