import { Cron } from 'croner';

/** What `snapshots.schedule`, `snapshots.expiry` and `snapshots.pattern` say about times. Their syntax was checked when they were set. */

const aliases: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@annually': '0 0 1 1 *',
  '@yearly': '0 0 1 1 *',
};

/** True when a run lies after `afterMs` and not after `nowMs`; several of them are one. Hours are those of the host's time zone. */
export function isDue(schedule: string, afterMs: number, nowMs: number): boolean {
  return partsOf(schedule).some((part) => {
    // `@startup` and `@never` have no hour.
    const pattern = part.startsWith('@') ? aliases[part] : part;
    if (pattern === undefined) return false;
    const next = new Cron(pattern, { paused: true }).nextRun(new Date(afterMs));
    return next !== null && next.getTime() <= nowMs;
  });
}

/** A snapshot is to be taken whenever the instance has started. */
export function isAtStart(schedule: string | undefined): boolean {
  return partsOf(schedule ?? '').includes('@startup');
}

/** None of them when one says never. */
function partsOf(schedule: string): string[] {
  if (!schedule.startsWith('@')) return schedule.trim() === '' ? [] : [schedule.trim()];
  const parts = schedule.split(',').map((part) => part.trim());
  return parts.includes('@never') ? [] : parts;
}

const spanMs: Record<string, number> = { S: 1000, M: 60_000, H: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** The time that lies a span such as `1w 2d` after another; null without one. */
export function expiryAfter(span: string | undefined, fromMs: number): number | null {
  if (!span) return null;
  const date = new Date(fromMs);
  for (const [, digits, unit = ''] of span.matchAll(/(\d+)([SMHdwmy])/g)) {
    const count = Number(digits);
    if (unit === 'm') date.setUTCMonth(date.getUTCMonth() + count);
    else if (unit === 'y') date.setUTCFullYear(date.getUTCFullYear() + count);
    else date.setTime(date.getTime() + count * (spanMs[unit] ?? 0));
  }
  return date.getTime();
}

/** Fills in `{{ creation_date|date:'2006-01-02_15-04-05' }}`; the parts of that one moment stand for those of the real one. */
export function expandCreationDate(pattern: string, nowMs: number): string {
  const now = new Date(nowMs).toISOString();
  const parts: Record<string, string> = {
    '2006': now.slice(0, 4),
    '01': now.slice(5, 7),
    '02': now.slice(8, 10),
    '15': now.slice(11, 13),
    '04': now.slice(14, 16),
    '05': now.slice(17, 19),
  };
  const format = (layout: string) =>
    layout.replace(/2006|01|02|15|04|05/g, (part) => parts[part] ?? part).replaceAll(':', '-');
  return pattern.replace(
    /\{\{ ?creation_date ?(?:\| ?date:["']([^"']*)["'])? ?\}\}/g,
    (_all, layout: string | undefined) => format(layout ?? '20060102-150405'),
  );
}
