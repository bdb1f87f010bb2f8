import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces, release } from 'node:os';
import { join } from 'node:path';
import { readHostFacts, type HostFacts } from '@stapes/runtime/host/host-facts';
import type { ServerConfig } from '../config.ts';
import type { ServiceDeps } from './deps.ts';
import { hostArchitecture } from './instance-plan.ts';

export const serverVersion = '0.1.0';

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

export function listenAddress({ listen }: Pick<ServerConfig, 'listen'>): string {
  return `${bracketed(listen.host)}:${listen.port}`;
}

/** Where clients reach it: the address that it listens on, or all of the host's when that is every one. */
export function reachableAddresses({ listen }: Pick<ServerConfig, 'listen'>): string[] {
  if (listen.host !== '::' && listen.host !== '0.0.0.0') return [listenAddress({ listen })];
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family, scopeid }) => !internal && !scopeid && (family === 'IPv4' || listen.host === '::'))
    .map(({ address }) => `${bracketed(address)}:${listen.port}`);
}

async function certificateOf(config: ServerConfig): Promise<{ certificate: string; certificate_fingerprint: string }> {
  const none = { certificate: '', certificate_fingerprint: '' };
  if (config.insecureHttp) return none;
  try {
    const pem = await readFile(join(config.stateDir, 'tls', 'server.crt'), 'utf8');
    const fingerprint = new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
    return { certificate: pem, certificate_fingerprint: fingerprint };
  } catch {
    return none;
  }
}

interface Known {
  facts: HostFacts;
  /** Names of the storage drivers that this host can use: each was tried. */
  usable: string[];
}

async function learn({ runtime, config }: ServiceDeps): Promise<Known> {
  const tried = Object.entries(runtime.storage).map(async ([name, driver]) =>
    (await driver.probe()) === null ? [name] : [],
  );
  const [facts, ...usable] = await Promise.all([readHostFacts({ stateDir: config.stateDir }), ...tried]);
  return { facts, usable: usable.flat() };
}

/** `environment` of `/1.0`. What takes a process or an attempt to find out is found out once. */
export function createServerEnvironment(deps: ServiceDeps): () => Promise<Record<string, unknown>> {
  let known: Promise<Known> | null = null;
  return async () => {
    known ??= learn(deps);
    const { facts, usable } = await known;
    const versionOf = (driver: string) => facts.storageVersions[driver] ?? '1';
    const pools = [...new Set((await deps.store.pools.list()).map(({ driver }) => driver))].sort();
    return {
      addresses: reachableAddresses(deps.config),
      architectures: [hostArchitecture()],
      ...(await certificateOf(deps.config)),
      driver: 'lxc',
      driver_version: facts.lxcVersion,
      firewall: 'nftables',
      kernel: 'Linux',
      kernel_architecture: hostArchitecture(),
      kernel_features: { idmapped_mounts: String(facts.idmappedMounts) },
      kernel_version: release(),
      lxc_features: {},
      os_name: facts.osName,
      os_version: facts.osVersion,
      project: 'default',
      server: 'stapes',
      server_clustered: false,
      server_event_mode: 'full-mesh',
      server_name: hostname(),
      server_pid: process.pid,
      server_version: serverVersion,
      storage: pools.join(' | '),
      storage_version: pools.map(versionOf).join(' | '),
      storage_supported_drivers: usable.map((name) => ({ Name: name, Version: versionOf(name), Remote: false })),
    };
  };
}
