import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../host/run.ts';

export interface AptEntry {
  uri: string;
  suites: string[];
}
export interface DebianMirrors {
  main: string;
  /** Null when only a mirror without a known security archive was given. */
  security: string | null;
}

const defaultMain = 'http://deb.debian.org/debian';
const defaultSecurity = 'http://deb.debian.org/debian-security';

/** `deb [options] uri suite component...` lines of a `.list` file. */
export function parseOneLineSources(text: string): AptEntry[] {
  const entries: AptEntry[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line.replace(/#.*/, ''));
    if (match?.[1] && match[2]) entries.push({ uri: match[1], suites: [match[2]] });
  }
  return entries;
}

/** Stanzas of a `.sources` file (deb822). */
export function parseDeb822Sources(text: string): AptEntry[] {
  const entries: AptEntry[] = [];
  for (const stanza of text.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    let last = '';
    for (const line of stanza.split('\n').filter((l) => !l.startsWith('#'))) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match?.[1]) fields.set((last = match[1].toLowerCase()), match[2] ?? '');
      else if (/^\s/.test(line) && last) fields.set(last, `${fields.get(last)} ${line.trim()}`);
    }
    const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean);
    if (!words('types').includes('deb') || /^no$/i.test(fields.get('enabled') ?? '')) continue;
    for (const uri of words('uris')) entries.push({ uri, suites: words('suites') });
  }
  return entries;
}

/** The host's own mirror of the suite; else its Debian mirror of another suite; else deb.debian.org. */
export function chooseMirrors(
  entries: AptEntry[],
  suite: string,
  env: Record<string, string | undefined>,
): DebianMirrors {
  const usable = entries
    .filter(({ uri }) => /^https?:\/\/[^\s"'\\]+$/.test(uri))
    .map((e) => ({ ...e, uri: e.uri.replace(/\/+$/, '') }));
  const find = (wanted: string) => usable.find(({ suites }) => suites.includes(wanted))?.uri;
  const given = env.STAPES_DEBIAN_MIRROR?.replace(/\/+$/, '');
  const main = given || find(suite) || usable.find(({ uri }) => /\/debian$/.test(uri))?.uri || defaultMain;
  const found = env.STAPES_DEBIAN_SECURITY_MIRROR?.replace(/\/+$/, '') || find(`${suite}-security`);
  return { main, security: found || (main === defaultMain ? defaultSecurity : null) };
}

export async function readMirrors(
  suite: string,
  env: Record<string, string | undefined>,
  aptDir = '/etc/apt',
): Promise<DebianMirrors> {
  const entries: AptEntry[] = [];
  const parts = await readdir(join(aptDir, 'sources.list.d')).catch(() => []);
  const files = ['sources.list', ...parts.sort().map((name) => join('sources.list.d', name))];
  for (const file of files) {
    const text = await readFile(join(aptDir, file), 'utf8').catch(() => '');
    if (file.endsWith('.list')) entries.push(...parseOneLineSources(text));
    if (file.endsWith('.sources')) entries.push(...parseDeb822Sources(text));
  }
  return chooseMirrors(entries, suite, env);
}

/** What of the host's apt settings decides whether the mirror can be reached: proxies, and whether dates are checked. */
export function selectAptOptions(dump: string): string[] {
  return dump
    .split('\n')
    .filter((line) =>
      /^Acquire::(?:https?::(?:Proxy|Verify-Peer|Verify-Host|CaInfo)|https?::Proxy::\S+|Check-Valid-Until|Check-Date|Retries)\b.* ".+";$/i.test(
        line,
      ),
    );
}

export async function readAptOptions(): Promise<string[]> {
  const dump = await run('apt-config', ['dump']).catch(() => null);
  return dump ? selectAptOptions(dump.stdout) : [];
}

export function proxyEnvironment(env: Record<string, string | undefined>): Record<string, string> {
  const names = [
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'all_proxy',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
    'ALL_PROXY',
  ];
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}
