import { chmod, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { NetworkRef, NetworkSpec, PortSpec } from '../driver.ts';
import { mintedId } from '../interface-names.ts';

/**
 * What the driver remembers, in `$stateDir/networks/<id>/`: the network, its ports, and the files of its dnsmasq. Names of files are
 * minted ids. Directories let the user of dnsmasq pass, and read only `hosts`.
 */
export interface NetworkPaths {
  directory: string;
  network: string;
  ports: string;
  hosts: string;
  config: string;
  leases: string;
  pid: string;
  record: string;
  log: string;
}

export function networkPaths(stateDir: string, id: string): NetworkPaths {
  const directory = join(stateDir, 'networks', mintedId(id));
  const at = (name: string) => join(directory, name);
  return {
    directory,
    network: at('network.json'),
    ports: at('ports'),
    hosts: at('hosts'),
    config: at('dnsmasq.conf'),
    leases: at('dnsmasq.leases'),
    pid: at('dnsmasq.pid'),
    record: at('dnsmasq.started'),
    log: at('dnsmasq.log'),
  };
}

const isAbsent = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Whole or not at all; says whether anything changed. The temporary file lies beside `hosts`, where dnsmasq does not look. */
export async function writeChanged(
  path: string,
  content: string,
  temporaryDirectory = dirname(path),
): Promise<boolean> {
  if ((await readIfThere(path)) === content) return false;
  const temporary = join(temporaryDirectory, `.new-${process.pid}-${crypto.randomUUID()}`);
  await writeFile(temporary, content, { mode: 0o644, flag: 'wx' });
  await rename(temporary, path);
  return true;
}

export async function ensureDirectories(stateDir: string, paths: NetworkPaths): Promise<void> {
  await mkdir(join(stateDir, 'networks'), { recursive: true });
  await chmod(join(stateDir, 'networks'), 0o711);
  await mkdir(paths.directory, { recursive: true });
  await chmod(paths.directory, 0o711);
  await mkdir(paths.ports, { recursive: true, mode: 0o700 });
  await mkdir(paths.hosts, { recursive: true });
  await chmod(paths.hosts, 0o755);
  for (const stale of await readdir(paths.directory))
    if (stale.startsWith('.new-')) await rm(join(paths.directory, stale), { force: true });
  await ensurePassable(stateDir);
}

/** dnsmasq reads its hosts again as an unprivileged user. */
async function ensurePassable(directory: string): Promise<void> {
  for (let path = directory; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) {
      throw new DomainError(
        'unavailable',
        `dnsmasq's user cannot pass through ${path}: run "chmod o+x ${path}", or keep the state directory elsewhere`,
      );
    }
    if (path === dirname(path)) return;
  }
}

/** A damaged file (a crash of the host) counts as absent: the server sets up networks and ports anew, from what it knows. */
async function readJson<T>(path: string): Promise<T | null> {
  const text = await readIfThere(path);
  try {
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

export function readNetwork(paths: NetworkPaths): Promise<NetworkSpec | null> {
  return readJson<NetworkSpec>(paths.network);
}

export async function listNetworkIds(stateDir: string): Promise<string[]> {
  const names = await readdir(join(stateDir, 'networks')).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  return names.filter((name) => /^[a-z0-9][a-z0-9-]{0,63}$/.test(name)).sort();
}

const portPath = (paths: NetworkPaths, portId: string) => join(paths.ports, `${mintedId(portId)}.json`);
export const hostPath = (paths: NetworkPaths, portId: string) => join(paths.hosts, mintedId(portId));

export function readPort(paths: NetworkPaths, portId: string): Promise<PortSpec | null> {
  return readJson<PortSpec>(portPath(paths, portId));
}

export function writePort(paths: NetworkPaths, port: PortSpec): Promise<boolean> {
  return writeChanged(portPath(paths, port.portId), JSON.stringify(port), paths.directory);
}

export async function removePortFile(paths: NetworkPaths, portId: string): Promise<void> {
  await rm(portPath(paths, portId), { force: true });
}

export async function readPorts(paths: NetworkPaths): Promise<PortSpec[]> {
  const names = (await readdir(paths.ports).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  const ports = await Promise.all(names.map((name) => readJson<PortSpec>(join(paths.ports, name))));
  return ports.filter((port) => port !== null);
}

/** Writes the line of a port for dnsmasq, or removes it; says whether anything changed. */
export async function writeHost(paths: NetworkPaths, portId: string, content: string | null): Promise<boolean> {
  if (content !== null) return writeChanged(hostPath(paths, portId), content, paths.directory);
  const had = (await readIfThere(hostPath(paths, portId))) !== null;
  await rm(hostPath(paths, portId), { force: true });
  return had;
}

export function networkMissing(ref: NetworkRef): DomainError {
  return new DomainError('not-found', `The network ${ref.name} is not set up on this host`);
}

const maxLogBytes = 1024 * 1024;

/** dnsmasq says which files it read each time that it reads them, and appends; a log that is too long starts anew. */
export async function boundLog(paths: NetworkPaths): Promise<void> {
  const size = await stat(paths.log).then(
    (info) => info.size,
    () => 0,
  );
  if (size > maxLogBytes) await truncate(paths.log);
}
