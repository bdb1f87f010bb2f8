import { readFile } from 'node:fs/promises';
import { IdmappedMounts } from './idmapped-mounts.ts';
import { run } from './run.ts';

/** What of this host does not change while the server runs. An empty text where it cannot be told. */
export interface HostFacts {
  lxcVersion: string;
  /** Of the tools that a storage driver works with, by the driver's name. */
  storageVersions: Record<string, string>;
  osName: string;
  osVersion: string;
  /** Tried on the file system of the state directory. */
  idmappedMounts: boolean;
}

async function versionOf(file: string): Promise<string> {
  const { stdout } = await run(file, ['--version'], { timeoutMs: 10_000 }).catch(() => ({ stdout: '' }));
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? '';
}

/** Fields of os-release(5), without their quotes. */
export function parseOsRelease(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const match = /^([A-Z][A-Z0-9_]*)=(["']?)(.*)\2$/.exec(line.trim());
      return match?.[1] ? [[match[1], (match[3] ?? '').replace(/\\(["'$`\\])/g, '$1')] as const] : [];
    }),
  );
}

export async function readHostFacts({ stateDir }: { stateDir: string }): Promise<HostFacts> {
  const [lxcVersion, btrfs, release, idmappedMounts] = await Promise.all([
    versionOf('lxc-start'),
    versionOf('btrfs'),
    readFile('/etc/os-release', 'utf8').catch(() => ''),
    new IdmappedMounts().supports(stateDir).catch(() => false),
  ]);
  const os = parseOsRelease(release);
  return {
    lxcVersion,
    storageVersions: { btrfs },
    osName: os['NAME'] ?? '',
    osVersion: os['VERSION_ID'] ?? '',
    idmappedMounts,
  };
}
