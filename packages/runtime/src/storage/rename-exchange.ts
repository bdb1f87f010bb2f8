import koffi from 'koffi';
import { DomainError } from '@stapes/contract/errors';

const atFdCwd = -100;
const renameExchange = 2;

/** Swaps two paths of one file system in one step (renameat2 with RENAME_EXCHANGE): a crash leaves either both before or both after. */
export function renameAndExchange(one: string, other: string): void {
  const rename = koffi.load('libc.so.6').func('int renameat2(int, const char *, int, const char *, unsigned int)') as (
    ...args: unknown[]
  ) => number;
  if (rename(atFdCwd, one, atFdCwd, other, renameExchange) !== 0) {
    throw new DomainError('internal', `Cannot exchange ${one} and ${other}: error ${koffi.errno()}`);
  }
}
