/** Checks of single values that several areas share. Each returns what is wrong, as a sentence, or null. */

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4Pattern = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** The address as a number, or null. */
export function parseIpv4(value: string): number | null {
  if (!ipv4Pattern.test(value)) return null;
  return value.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The address as 128 bits, or null. Neither zones nor embedded IPv4 are taken. */
export function parseIpv6(value: string): bigint | null {
  if (!/^[0-9a-fA-F:]{2,39}$/.test(value)) return null;
  const halves = value.split('::');
  if (halves.length > 2) return null;
  const groups = (half: string | undefined) => (half ? half.split(':') : []);
  const head = groups(halves[0]);
  const tail = groups(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

export function checkIpv4(value: string): string | null {
  return parseIpv4(value) === null ? 'Give an IPv4 address, for example 10.1.2.3' : null;
}

export function checkIpv6(value: string): string | null {
  return parseIpv6(value) === null ? 'Give an IPv6 address, for example fd42:1:2:3::10' : null;
}

/** `10.1.2.1/24`: a host's address in a subnet that has room for instances. */
export function checkIpv4Interface(value: string): string | null {
  const [address, prefix, ...rest] = value.split('/');
  const number = parseIpv4(address ?? '');
  if (number === null || rest.length > 0 || !/^\d{1,2}$/.test(prefix ?? '')) {
    return 'Give an address with its prefix, for example 10.1.2.1/24';
  }
  const bits = Number(prefix);
  if (bits < 8 || bits > 30) return 'Give a prefix from /8 to /30';
  const size = 2 ** (32 - bits);
  const host = number % size;
  if (host === 0 || host === size - 1) return 'Give an address of a host, neither the first nor the last of the subnet';
  const first = Math.floor(number / 2 ** 24);
  if (first === 0 || first === 127 || first >= 224) return 'Give an address that can be used in a local network';
  return null;
}

/** `fd42:1:2:3::1/64`. */
export function checkIpv6Interface(value: string): string | null {
  const [address, prefix, ...rest] = value.split('/');
  const number = parseIpv6(address ?? '');
  if (number === null || rest.length > 0 || !/^\d{1,3}$/.test(prefix ?? '')) {
    return 'Give an address with its prefix, for example fd42:1:2:3::1/64';
  }
  const bits = Number(prefix);
  if (bits < 16 || bits > 120) return 'Give a prefix from /16 to /120; automatic addresses need /64';
  if ((number & ((1n << BigInt(128 - bits)) - 1n)) === 0n) return 'Give an address of a host, not that of the subnet';
  const top = number >> 112n;
  if (top === 0n || top >= 0xfe80n) return 'Give an address that can be used in a local network';
  return null;
}

export function checkHwaddr(value: string): string | null {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(value)) return 'Give a MAC address, for example 10:66:6a:12:34:56';
  if (parseInt(value.slice(0, 2), 16) % 2 === 1) return 'Give the MAC address of one interface, not of a group';
  return value.replaceAll(/[0:]/g, '') === '' ? 'The MAC address cannot be all zeros' : null;
}

/** Absolute, without `.`, `..` or empty parts. */
export function checkAbsolutePath(value: string): string | null {
  if (!value.startsWith('/')) return 'Give an absolute path';
  if (value.length > 4095) return 'A path has at most 4095 characters';
  const parts = value.replace(/\/$/, '').split('/').slice(1);
  return parts.some((part) => part === '' || part === '.' || part === '..')
    ? 'Give a path without ".", ".." and "//"'
    : null;
}

/** What a Linux interface can be called. */
export function checkInterfaceName(value: string): string | null {
  const fine = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,14}$/.test(value) && value !== 'lo';
  return fine ? null : 'Give 1 to 15 letters, digits, ".", "-" or "_"; "lo" is taken';
}

/** `4`, `0-3`, `1,3`. */
export function checkCpu(value: string): string | null {
  const hint = 'Give a number of CPUs (4) or a set of them (0-3 or 1,3; one alone as 2-2)';
  if (/^\d{1,4}$/.test(value)) return Number(value) > 0 ? null : hint;
  for (const part of value.split(',')) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
    if (!match || Number(match[2] ?? match[1]) < Number(match[1])) return hint;
  }
  return null;
}

/** `50%` or `25ms/100ms`. */
export function checkCpuAllowance(value: string): string | null {
  const hint = 'Give a share (50%) or time per period (25ms/100ms)';
  const percent = /^(\d{1,3})%$/.exec(value);
  if (percent) return Number(percent[1]) >= 1 && Number(percent[1]) <= 100 ? null : hint;
  const time = /^(\d{1,7})ms\/(\d{1,4})ms$/.exec(value);
  if (!time) return hint;
  return Number(time[1]) >= 1 && Number(time[2]) >= 1 && Number(time[2]) <= 1000
    ? null
    : `${hint}; a period has 1 to 1000 ms`;
}

const cronAliases = [
  '@hourly',
  '@daily',
  '@midnight',
  '@weekly',
  '@monthly',
  '@annually',
  '@yearly',
  '@startup',
  '@never',
];
const cronRanges: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
];

function cronFieldIsFine(field: string, [min, max]: readonly [number, number]): boolean {
  return field.split(',').every((part) => {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (!match) return false;
    const [from, to, step] = [match[1], match[2], match[3]].map((digits) =>
      digits === undefined ? null : Number(digits),
    );
    const inside = (value: number | null | undefined) =>
      value === null || value === undefined || (value >= min && value <= max);
    return inside(from) && inside(to) && (to ?? max) >= (from ?? min) && step !== 0;
  });
}

/** Five cron fields, or aliases separated by commas. */
export function checkSchedule(value: string): string | null {
  if (value.startsWith('@')) {
    const known = value.split(',').every((alias) => cronAliases.includes(alias.trim()));
    return known ? null : `Give one or more of ${cronAliases.join(', ')}`;
  }
  const fields = value.trim().split(/ +/);
  const fine = fields.length === 5 && cronRanges.every((range, index) => cronFieldIsFine(fields[index] ?? '', range));
  return fine ? null : 'Give five cron fields (0 6 * * *) or an alias such as @daily';
}

/** `1M 2H 3d 4w 5m 6y`: minutes, hours, days, weeks, months, years. */
export function checkExpiry(value: string): string | null {
  const fine = value.split(' ').every((part) => /^[1-9]\d{0,5}[SMHdwmy]$/.test(part));
  return fine ? null : 'Give spans such as "2w" or "1d 12H" (M minutes, H hours, d days, w weeks, m months, y years)';
}

/** Letters, digits, `.`, `-`, `_`, one `%d`, and `{{ creation_date|date:'...' }}`; nothing else is ever interpreted. */
export function checkSnapshotPattern(value: string): string | null {
  const rest = value
    .replace(/\{\{ ?creation_date ?(?:\| ?date:["'][a-zA-Z0-9._:-]{1,40}["'])? ?\}\}/g, 'x')
    .replace('%d', '0');
  return /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,62}$/.test(rest)
    ? null
    : 'Use letters, digits, ".", "-", "_", one "%d" and {{ creation_date|date:\'2006-01-02_15-04-05\' }}';
}

/** Bytes per second or operations per second. */
export function checkDiskRate(value: string): string | null {
  return /^\d{1,12}(iops|([KMGT]i?|k)?B)?$/.test(value)
    ? null
    : 'Give bytes per second (10MiB) or operations per second (500iops)';
}

/** `10.1.2.10-10.1.2.99`. */
export function checkIpv4Range(value: string): string | null {
  const [from, to, ...rest] = value.split('-').map((part) => parseIpv4(part.trim()));
  const fine =
    from !== null && from !== undefined && to !== null && to !== undefined && rest.length === 0 && from <= to;
  return fine ? null : 'Give ranges such as 10.1.2.10-10.1.2.99, separated by commas';
}
