import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { parse } from 'yaml';
import { z } from 'zod';

/** Settings of the server process: environment first, then `$STAPES_DIR/stapes.yaml`, then defaults. */
export interface ServerConfig {
  stateDir: string;
  cacheDir: string;
  listen: { host: string; port: number };
  /** `https://localhost:8443`: origin that browsers use; passkeys are bound to its host name. */
  origin: string;
  /** Plain HTTP; refused on any address but loopback. */
  insecureHttp: boolean;
  logLevel: string;
  /** Group that may use the unix socket besides root. */
  socketGroup: string;
  /** Folder with the built dashboard. */
  webDir: string;
}

const fileSchema = z
  .object({
    listen: z.string().optional(),
    origin: z.url().optional(),
    insecure_http: z.boolean().optional(),
    log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).optional(),
    socket_group: z.string().optional(),
    cache_dir: z.string().optional(),
  })
  .strict();

function readConfigFile(path: string): z.infer<typeof fileSchema> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new DomainError('invalid', `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  const parsed = fileSchema.safeParse(parse(text) ?? {});
  if (!parsed.success) throw new DomainError('invalid', `${path} is not right: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** `127.0.0.1:8443`, `[::1]:8443`, `:8443`. */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (!match || port > 65535 || (host !== '' && host !== 'localhost' && isIP(host) === 0)) {
    throw new DomainError('invalid', `The listen address "${text}" is not of the form 127.0.0.1:8443 or [::1]:8443`);
  }
  return { host: host === '' ? '::' : host === 'localhost' ? '127.0.0.1' : host, port };
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^127\./.test(host);
}

/** Containers' roots and dnsmasq are unprivileged and must pass through it, though not list it. */
function makeStateDir(stateDir: string): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o711 });
  const mode = statSync(stateDir).mode & 0o7777;
  if ((mode & 0o011) !== 0o011) chmodSync(stateDir, mode | 0o011);
}

export function loadConfig(env: NodeJS.ProcessEnv, webDir: string): ServerConfig {
  const stateDir = resolve(env.STAPES_DIR ?? '/var/lib/stapes');
  makeStateDir(stateDir);
  const file = readConfigFile(join(stateDir, 'stapes.yaml'));
  const listen = parseListen(env.STAPES_LISTEN ?? file.listen ?? '127.0.0.1:8443');
  const insecureHttp = env.STAPES_INSECURE_HTTP ? env.STAPES_INSECURE_HTTP === '1' : (file.insecure_http ?? false);
  if (insecureHttp && !isLoopback(listen.host)) {
    throw new DomainError(
      'invalid',
      `Plain HTTP is for loopback only, and ${listen.host} is not: remove STAPES_INSECURE_HTTP or listen on 127.0.0.1`,
    );
  }
  return {
    stateDir,
    cacheDir: resolve(env.STAPES_CACHE_DIR ?? file.cache_dir ?? '/var/cache/stapes'),
    listen,
    origin: env.STAPES_ORIGIN ?? file.origin ?? `${insecureHttp ? 'http' : 'https'}://localhost:${listen.port}`,
    insecureHttp,
    logLevel: env.STAPES_LOG_LEVEL ?? file.log_level ?? 'info',
    socketGroup: env.STAPES_SOCKET_GROUP ?? file.socket_group ?? 'stapes',
    webDir,
  };
}
