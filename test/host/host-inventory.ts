import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateId } from '@stapes/runtime/host/state-id';
import Database from 'libsql';
import { expect } from 'vitest';
import { until, type TestServer } from '../support/server.ts';

export type Inventory = Record<
  'rows' | 'mounts' | 'subvolumes' | 'links' | 'rules' | 'cgroups' | 'processes' | 'files' | 'loops' | 'names',
  string[]
>;

const lines = (file: string, args: string[]): string[] =>
  execFileSync(file, args, { encoding: 'utf8' }).split('\n').filter(Boolean);

/** Rows of tables in which nothing grows by itself; operations and their log are history. */
const tables = ['instances', 'snapshots', 'images', 'aliases', 'profiles', 'networks', 'pools'];

export function openLog(stateDir: string): Database.Database {
  return new Database(join(stateDir, 'database', 'stapes.db'), { readonly: true, timeout: 5000 });
}

function rows(stateDir: string): string[] {
  const database = openLog(stateDir);
  try {
    return tables.flatMap((table) =>
      (database.prepare(`SELECT * FROM ${table}`).all() as object[]).map((row) => `${table} ${JSON.stringify(row)}`),
    );
  } finally {
    database.close();
  }
}

/** Trees of images and volumes count as one file each; the content counts of small files that describe something. */
function files(directory: string, prefix = ''): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    if (['database', 'lock', 'unix.socket', 'terminals.sock', 'lxc-client'].includes(name)) continue;
    if (/\/dnsmasq\.(log|pid|started)$/.test(name)) continue;
    const path = join(directory, entry.name);
    const isTree = /^storage-pools\/[^/]+\/(images|volumes)\/[^/]+$/.test(name);
    if (entry.isDirectory() && !isTree) found.push(`${name}/`, ...files(path, `${name}/`));
    else found.push(/^networks\//.test(name) ? `${name}: ${readFileSync(path, 'utf8')}` : name);
  }
  return found.sort();
}

/** Everything on this host that belongs to one state directory, or to this namespace. */
export function inventoryOf({ stateDir }: TestServer): Inventory {
  const pools = existsSync(join(stateDir, 'storage-pools')) ? readdirSync(join(stateDir, 'storage-pools')) : [];
  return {
    rows: rows(stateDir),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(stateDir)),
    subvolumes: pools.flatMap((pool) =>
      lines('btrfs', ['subvolume', 'list', join(stateDir, 'storage-pools', pool)]).map((line) =>
        line.replace(/^.* path /, `${pool}/`),
      ),
    ),
    links: lines('ip', ['-o', 'link']).map((line) => line.split(': ')[1] ?? line),
    // Counters move by themselves.
    rules: lines('nft', ['list', 'ruleset']).map((line) => line.replace(/counter packets \d+ bytes \d+/, 'counter')),
    // Those of other suites may go while it looks.
    cgroups: lines('find', [
      '/sys/fs/cgroup',
      '-ignore_readdir_race',
      '-type',
      'd',
      '-path',
      `*/stapes-${stateId(stateDir)}/*`,
    ]).sort(),
    processes: processes(),
    files: files(stateDir),
    loops: lines('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])
      .map((line) => line.trim())
      .filter((line) => line.startsWith(stateDir)),
    // What LXC keeps elsewhere, and network namespaces that have a name.
    names: ['/run/lxc/lock', '/run/lxc', '/run/netns'].flatMap((directory) =>
      existsSync(directory)
        ? lines('find', [directory, '-ignore_readdir_race', '-path', `*${stateDir}/*`, '-name', '.*'])
        : [],
    ),
  };
}

/** But for the server itself and what runs the tests. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const state = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        const isOurs = /vitest|scripts\/isolated|dist\/main\.js|^(find|ip|nft|btrfs|losetup) |terminal-host/.test(
          command,
        );
        return isOurs || state === 'Z' || state === 'X' || command === '' ? [] : [command];
      } catch {
        return []; // gone meanwhile
      }
    })
    .sort();
}

/** Some goes in the background (a process that was told to end, a dying cgroup, a subvolume), so it is waited for. */
export async function expectInventory(server: TestServer, before: Inventory): Promise<void> {
  let now = inventoryOf(server);
  await until('traces to go', 15_000, () => {
    now = inventoryOf(server);
    return JSON.stringify(now) === JSON.stringify(before);
  }).catch(() => undefined);
  expect(now).toEqual(before);
}
