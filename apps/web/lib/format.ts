export { formatBytes } from '@stapes/contract/units';

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

export function formatClock(ms: number): string {
  return clock.format(ms);
}

/** Empty for the API's "never". */
export function formatDate(rfc3339: string): string {
  const ms = Date.parse(rfc3339);
  return Number.isNaN(ms) || ms <= 0 ? '' : date.format(ms);
}

const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** `3 hr. ago`, empty for the API's "never". */
export function formatAgo(rfc3339: string, nowMs = Date.now()): string {
  const ms = Date.parse(rfc3339);
  if (Number.isNaN(ms) || ms <= 0) return '';
  const seconds = (ms - nowMs) / 1000;
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(0, 'second');
}

/** Cores as percent of one core: `4.2 %`. */
export function formatCpu(cores: number): string {
  const percent = cores * 100;
  return `${percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
