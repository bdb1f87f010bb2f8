const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimal = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Bytes of an Incus size (`512MiB`, `10GB`, `1024`), or null when it is not one. Both `kB` and `KB` are taken. */
export function parseBytes(text: string): number | null {
  const match = /^(\d{1,15})\s?(?:([KMGTPE]i|[kKMGTPE])?B?)?$/.exec(text.trim());
  if (!match) return null;
  const unit = match[2] ?? '';
  const power = unit.endsWith('i') ? 1024 ** binary.indexOf(unit) : 1000 ** decimal.indexOf(unit === 'K' ? 'k' : unit);
  const bytes = Number(match[1]) * power;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Bits per second of an Incus rate (`100Mbit`, `1Gbit`, `500kbit`, `1000`), or null. */
export function parseBits(text: string): number | null {
  const match = /^(\d{1,15})\s?(?:([KMGT]i|[kKMGT])?bit)?$/.exec(text.trim());
  if (!match) return null;
  const unit = match[2] ?? '';
  const power = unit.endsWith('i') ? 1024 ** binary.indexOf(unit) : 1000 ** decimal.indexOf(unit === 'K' ? 'k' : unit);
  const bits = Number(match[1]) * power;
  return Number.isSafeInteger(bits) ? bits : null;
}

/** `1.5 GiB`, for people. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < binary.length - 1) {
    value /= 1024;
    index++;
  }
  return `${index === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${binary[index]}B`;
}

/** Percent as a fraction of 1 (`50%` is 0.5), or null. */
export function parsePercent(text: string): number | null {
  const match = /^(\d{1,3})%$/.exec(text.trim());
  if (!match) return null;
  const value = Number(match[1]);
  return value > 0 && value <= 100 ? value / 100 : null;
}
