import { setTimeout as sleep } from 'node:timers/promises';
import { isDomainError } from '@stapes/contract/errors';
import { run } from '../../host/run.ts';
import { subnetOf } from '../addresses.ts';
import { findDnsmasq, startDnsmasq, stopDnsmasq } from '../dns/dnsmasq-process.ts';
import { bareName, isLeaseOf, parseLeaseFile, type FileLease, type LeaseFile } from '../dns/lease-file.ts';
import type { Lease, NetworkRef, NetworkSpec, PortSpec } from '../driver.ts';
import { interfaceName } from '../interface-names.ts';
import { readIfThere, readPorts, writeChanged, type NetworkPaths } from './network-files.ts';

async function readLeases(paths: NetworkPaths): Promise<LeaseFile> {
  return parseLeaseFile((await readIfThere(paths.leases)) ?? '');
}

/** The bridge itself, fixed addresses, and what DHCP has lent. */
export async function leasesOf(paths: NetworkPaths, spec: NetworkSpec): Promise<Lease[]> {
  const ports = await readPorts(paths);
  const { leases } = await readLeases(paths);
  const gateways = [spec.ipv4, spec.ipv6].flatMap((family): Lease[] =>
    family
      ? [{ hostname: `${spec.ref.name}.gw`, hwaddr: '', address: subnetOf(family.address).address, type: 'gateway' }]
      : [],
  );
  const fixed = ports.flatMap((port) =>
    [port.ipv4Address, port.ipv6Address].flatMap((address): Lease[] =>
      address === undefined ? [] : [{ hostname: port.hostname, hwaddr: port.hwaddr, address, type: 'static' }],
    ),
  );
  const known = new Set(fixed.map((lease) => lease.address));
  const lent = leases
    .filter((lease) => !known.has(lease.address))
    .map((lease): Lease => {
      const port = ports.find(
        (candidate) =>
          isLeaseOf(lease, candidate.hwaddr) ||
          (lease.hostname !== '' && bareName(lease.hostname) === candidate.hostname),
      );
      const hwaddr = port?.hwaddr ?? (lease.family === 4 ? lease.key : '');
      return {
        hostname: bareName(lease.hostname) || (port?.hostname ?? ''),
        hwaddr,
        address: lease.address,
        type: 'dynamic',
      };
    });
  return [...gateways, ...fixed, ...lent];
}

/** As the client would: dnsmasq frees the address and goes on. */
async function sendRelease(bridge: string, lease: FileLease, serverDuid: string | null): Promise<void> {
  if (lease.family === 4) {
    await run('dhcp_release', [bridge, lease.address, lease.key, ...(lease.clientId ? [lease.clientId] : [])], {
      timeoutMs: 5000,
    });
  } else if (serverDuid && lease.clientId) {
    const args = [
      '--iface',
      bridge,
      '--client-id',
      lease.clientId,
      '--server-id',
      serverDuid,
      '--iaid',
      lease.key,
      '--ip',
      lease.address,
    ];
    await run('dhcp_release6', args, { timeoutMs: 5000, okCodes: [0, 1, 255] });
  }
}

/** Frees the leases of a port and waits until they are gone from the file; when asking does not help, the file is written without them. */
export async function releaseLeases(
  paths: NetworkPaths,
  network: NetworkRef,
  port: PortSpec,
  log: (message: string) => void,
): Promise<void> {
  const bridge = interfaceName(network.interfaceName);
  const own = (file: LeaseFile) =>
    file.leases.filter(
      (lease) => isLeaseOf(lease, port.hwaddr) || (lease.family === 6 && bareName(lease.hostname) === port.hostname),
    );
  const file = await readLeases(paths);
  const leases = own(file);
  if (leases.length === 0) return;
  if (await findDnsmasq(paths)) {
    try {
      for (const lease of leases) await sendRelease(bridge, lease, file.serverDuid);
      for (const end = Date.now() + 1000; Date.now() < end; await sleep(10))
        if (own(await readLeases(paths)).length === 0) return;
    } catch (error) {
      if (!isDomainError(error)) throw error;
      log(`Cannot release leases of ${network.name}: ${error.message}`);
    }
  }
  await dropFromFile(paths, leases);
}

async function dropFromFile(paths: NetworkPaths, leases: readonly FileLease[]): Promise<void> {
  const wasRunning = (await findDnsmasq(paths)) !== null;
  await stopDnsmasq(paths);
  const text = (await readIfThere(paths.leases)) ?? '';
  const lines = new Set(leases.map((lease) => lease.line));
  const gone = new Set(leases.map((lease) => lease.address));
  const kept = text.split('\n').filter((line) => !lines.has(line) && !gone.has(line.split(' ')[2] ?? ''));
  await writeChanged(paths.leases, kept.join('\n'));
  if (wasRunning) await startDnsmasq(paths);
}
