import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '@stapes/contract/errors';

/** Header of the field's two dialects: `X-Incus-<name>` and the older `X-LXD-<name>`. */
export function dialectHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[`x-incus-${name}`] ?? headers[`x-lxd-${name}`];
  return Array.isArray(value) ? value[0] : value;
}

/** The same headers for an answer, in both dialects. Values are ours: numbers and words of a fixed list. */
export function inBothDialects(values: Record<string, string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    headers[`X-Incus-${name}`] = value;
    headers[`X-LXD-${name}`] = value;
  }
  return headers;
}

/** `Content-Disposition` for a file name that a user or a guest has chosen: nothing of it gets into the header unencoded. */
export function contentDisposition(filename: string, kind: 'attachment' | 'inline' = 'attachment'): string {
  const plain = filename.replace(/[^A-Za-z0-9._-]/g, '_').slice(-128) || 'file';
  if (plain === filename) return `${kind}; filename="${plain}"`;
  const encoded = encodeURIComponent(filename.replace(/\p{Surrogate}/gu, '_')).replace(
    /['()*!]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Headers of everything that is not an envelope: the bytes are a guest's, and must never become a page of our origin. */
export function rawHeaders(contentType = 'application/octet-stream'): Record<string, string> {
  return {
    'Content-Type': contentType,
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "sandbox; default-src 'none'",
  };
}

/** A whole number of a header, or undefined when it is not given. */
export function numberHeader(
  value: string | undefined,
  options: { name: string; radix: 8 | 10; max: number },
): number | undefined {
  if (value === undefined || value === '') return undefined;
  const digits = options.radix === 8 ? /^(0o)?[0-7]{1,7}$/ : /^[0-9]{1,10}$/;
  const number = parseInt(value.replace(/^0o/, ''), options.radix);
  if (!digits.test(value) || number > options.max) {
    throw new DomainError('invalid', `The header ${options.name} is not a number that fits`, {
      details: { field: options.name },
    });
  }
  return number;
}
