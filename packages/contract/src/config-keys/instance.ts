import { parseBytes } from '../units.ts';
import { bool, declareKeys, multilineText, text, type ConfigKey } from './declare.ts';
import { checkCpuAllowance, checkExpiry, checkSchedule, checkSnapshotPattern } from './value-checks.ts';

const boot = declareKeys({ scope: 'instance', group: 'boot', live: true }, [
  {
    key: 'boot.autostart',
    type: bool,
    default: '(state before the host went down)',
    short: 'Start it when the host starts; unset, it comes back when it was running before.',
  },
  {
    key: 'boot.autostart.delay',
    type: { kind: 'integer', min: 0, max: 86400 },
    default: '0',
    short: 'Seconds to wait after it has started before the next one is started.',
  },
  {
    key: 'boot.autostart.priority',
    type: { kind: 'integer', min: 0 },
    default: '0',
    short: 'Instances with a higher number start first.',
  },
  {
    key: 'boot.stop.priority',
    type: { kind: 'integer', min: 0 },
    default: '0',
    short: 'Instances with a higher number are shut down first.',
  },
  {
    key: 'boot.host_shutdown_timeout',
    type: { kind: 'integer', min: 0, max: 86400 },
    default: '30',
    short: 'Seconds that it gets to shut down with the host before it is killed.',
  },
]);

const cloudInit = declareKeys({ scope: 'instance', group: 'cloud-init', live: false }, [
  {
    key: 'cloud-init.user-data',
    type: multilineText,
    default: '#cloud-config',
    short: 'User data for cloud-init, when the image has it.',
  },
  {
    key: 'cloud-init.vendor-data',
    type: multilineText,
    default: '#cloud-config',
    short: 'Vendor data for cloud-init; user data wins where both say something.',
  },
  {
    key: 'cloud-init.network-config',
    type: multilineText,
    default: '(DHCP on eth0)',
    short: 'Network configuration for cloud-init.',
  },
  {
    key: 'cloud-init.ssh-keys.*',
    suffix: { pattern: /^[a-zA-Z0-9_-]{1,64}$/, hint: 'Name the key with letters, digits, "-" and "_"' },
    type: {
      kind: 'string',
      pattern:
        /^[a-z_][a-z0-9_-]{0,31}:(?:(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+(?: .{0,256})?|(?:gh|lp):[A-Za-z0-9-]{1,64})$/,
      patternHint: 'Give USER:KEY, for example root:ssh-ed25519 AAAA...',
      maxLength: 16384,
    },
    short: 'SSH public key that cloud-init adds to a user, as USER:KEY.',
  },
]);

function checkSwap(value: string): string | null {
  return /^(true|false|1|0|yes|no|on|off)$/i.test(value) || parseBytes(value) !== null
    ? null
    : 'Give true, false or a size such as 512MiB';
}

const limits = declareKeys({ scope: 'instance', group: 'resource-limits', live: true }, [
  { key: 'limits.cpu', type: { kind: 'cpu' }, short: 'Number of CPUs (4), or which ones (0-3 or 1,3).' },
  {
    key: 'limits.cpu.allowance',
    type: { kind: 'custom', check: checkCpuAllowance, hint: '50% or 25ms/100ms' },
    default: '100%',
    condition: 'container',
    short: 'Share of CPU time under load (50%), or a hard limit of time per period (25ms/100ms).',
  },
  {
    key: 'limits.cpu.priority',
    type: { kind: 'integer', min: 0, max: 10 },
    default: '10',
    condition: 'container',
    short: 'Who gets more CPU time when several with the same share compete; 10 is most.',
  },
  {
    key: 'limits.memory',
    type: { kind: 'bytes', percent: true },
    short: 'Most memory, as a size or as a percentage of that of the host.',
  },
  {
    key: 'limits.memory.enforce',
    type: { kind: 'enum', values: ['hard', 'soft'] },
    default: 'hard',
    condition: 'container',
    short: 'Hard never lets it pass the limit; soft lets it while the host has memory to spare.',
  },
  {
    key: 'limits.memory.swap',
    type: { kind: 'custom', check: checkSwap, hint: 'true, false or a size' },
    default: 'true',
    condition: 'container',
    short: 'Whether its memory may be swapped out, or how much of it.',
  },
  {
    key: 'limits.processes',
    type: { kind: 'integer', min: 1 },
    condition: 'container',
    short: 'Most processes that it may have.',
  },
]);

const id = { kind: 'integer', min: 0, max: 4294967294 } as const;
const security = declareKeys({ scope: 'instance', group: 'security', live: false }, [
  {
    key: 'security.privileged',
    type: bool,
    default: 'false',
    condition: 'container',
    short: 'Run it without a user namespace: its root is root of the host. Only for software that you trust.',
  },
  { key: 'security.nesting', type: bool, default: 'false', short: 'Let it run containers of its own.' },
  {
    key: 'security.idmap.isolated',
    type: bool,
    default: 'false',
    condition: 'container',
    short: 'Give it a range of user ids that no other container has.',
  },
  {
    key: 'security.idmap.base',
    type: id,
    condition: 'container',
    short: 'First user id on the host, instead of one that is chosen.',
  },
  {
    key: 'security.idmap.size',
    type: { kind: 'integer', min: 1, max: 4294967294 },
    default: '(65536 when isolated, else the whole range)',
    condition: 'container',
    short: 'How many user ids it has.',
  },
  { key: 'security.protection.delete', type: bool, default: 'false', live: true, short: 'Refuse to delete it.' },
]);

const snapshots = declareKeys({ scope: 'instance', group: 'snapshots', live: true }, [
  {
    key: 'snapshots.schedule',
    type: { kind: 'custom', check: checkSchedule, hint: '0 6 * * * or @daily' },
    short: 'When snapshots are taken by themselves, as a cron expression or an alias.',
  },
  {
    key: 'snapshots.schedule.stopped',
    type: bool,
    default: 'false',
    short: 'Take the snapshots of the schedule while it is stopped, too.',
  },
  {
    key: 'snapshots.expiry',
    type: { kind: 'custom', check: checkExpiry, hint: '2w' },
    short: 'How long snapshots are kept.',
  },
  {
    key: 'snapshots.pattern',
    type: { kind: 'custom', check: checkSnapshotPattern, hint: 'snap%d' },
    default: 'snap%d',
    short: 'Name of a snapshot that was given none; %d is the next free number.',
  },
]);

const miscellaneous = declareKeys({ scope: 'instance', group: 'miscellaneous', live: true }, [
  {
    key: 'environment.*',
    suffix: { pattern: /^[A-Za-z_][A-Za-z0-9_]{0,127}$/, hint: 'A variable is named with letters, digits and "_"' },
    type: text,
    short: 'Environment variable of init and of commands that are run in it.',
  },
  { key: 'user.*', type: multilineText, short: 'Anything of your own; shown, searched and kept, never interpreted.' },
  { key: 'image.*', type: text, short: 'Property of the image that it was made from.' },
]);

const volatile = declareKeys({ scope: 'instance', group: 'volatile', live: false }, [
  {
    key: 'volatile.*',
    type: text,
    readOnly: true,
    short: 'What the server remembers about it, such as the hardware address of a NIC.',
  },
]);

export const instanceKeys: readonly ConfigKey[] = [
  ...boot,
  ...cloudInit,
  ...limits,
  ...security,
  ...snapshots,
  ...miscellaneous,
  ...volatile,
];
