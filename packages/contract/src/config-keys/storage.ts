import { bytes, declareKeys, multilineText, type ConfigKey } from './declare.ts';
import { checkAbsolutePath } from './value-checks.ts';

const path = { kind: 'custom', check: checkAbsolutePath, hint: '/srv/pool' } as const;
const user = { key: 'user.*', type: multilineText, live: true, short: 'Anything of your own.' } as const;
const volatile = {
  key: 'volatile.*',
  type: { kind: 'string' },
  readOnly: true,
  short: 'What the server remembers about the pool.',
} as const;

const dir = declareKeys({ scope: 'storage-dir', group: 'common', live: false }, [
  {
    key: 'source',
    type: path,
    default: "(in the server's state directory)",
    short: 'Empty directory of the host that holds the pool.',
  },
  user,
  volatile,
]);

const btrfs = declareKeys({ scope: 'storage-btrfs', group: 'common', live: false }, [
  {
    key: 'source',
    type: path,
    default: '(a file that the server makes)',
    short: 'Empty block device, or directory on btrfs, that holds the pool.',
  },
  {
    key: 'size',
    type: bytes,
    live: true,
    default: '(a fifth of the free space, 5 GiB to 30 GiB)',
    short: 'Size of the file that the server makes; it can only grow.',
  },
  user,
  volatile,
]);

export const storageKeys: readonly ConfigKey[] = [...dir, ...btrfs];
