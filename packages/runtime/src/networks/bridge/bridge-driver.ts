import { rm } from 'node:fs/promises';
import { KeyedLock } from '../../host/keyed-lock.ts';
import { run } from '../../host/run.ts';
import { stateId as stateIdOf } from '../../host/state-id.ts';
import { contains, parseSubnet, subnetOf } from '../addresses.ts';
import { Coalesced } from '../dns/coalesce.ts';
import { renderDnsmasqConfig, renderHost } from '../dns/dnsmasq-config.ts';
import { dnsmasqUser, findDnsmasq, reloadDnsmasq, startDnsmasq, stopDnsmasq } from '../dns/dnsmasq-process.ts';
import type { NetworkDriver, NetworkRef, NetworkSpec, PortSpec } from '../driver.ts';
import { findHostInterface } from '../host-interfaces.ts';
import { hardwareAddress, interfaceName, mintedId } from '../interface-names.ts';
import { checkNetworkSpec, checkPortAddresses, pickAddress } from '../network-check.ts';
import { pickSubnets, usedSubnets } from '../subnets.ts';
import { bridgeIsThere, ensureBridge, refuseForeignBridge, removeBridge, removePortLink } from './bridge-link.ts';
import { createFirewall, type Firewall } from './bridge-firewall.ts';
import { leasesOf, releaseLeases } from './bridge-leases.ts';
import {
  boundLog,
  ensureDirectories,
  networkMissing,
  networkPaths,
  readNetwork,
  readPort,
  readPorts,
  removePortFile,
  writeChanged,
  writeHost,
  writePort,
} from './network-files.ts';

export interface BridgeDriverOptions {
  stateDir: string;
  log?: (message: string) => void;
  /** From 0 up to, not including, 1. */
  random?: () => number;
}

/** Managed Linux bridges: DHCP and DNS by a dnsmasq each, NAT and filters by nftables. All that it remembers is in files of the state directory. */
export function createBridgeDriver(options: BridgeDriverOptions): NetworkDriver {
  return new BridgeDriver(options);
}

class BridgeDriver implements NetworkDriver {
  readonly type = 'bridge';
  private readonly stateDir: string;
  private readonly random: () => number;
  private readonly log: (message: string) => void;
  private readonly locks = new KeyedLock();
  private readonly reloads: Coalesced;
  private readonly firewall: Firewall;
  private cachedStateId: string | null = null;

  constructor({ stateDir, random = Math.random, log = () => undefined }: BridgeDriverOptions) {
    this.stateDir = stateDir;
    this.random = random;
    this.log = log;
    this.reloads = new Coalesced((id) => reloadDnsmasq(networkPaths(stateDir, id)), 20);
    this.firewall = createFirewall({ stateDir, stateId: () => this.stateId });
  }

  /** The state directory need not be there when the driver is made. */
  private get stateId(): string {
    return (this.cachedStateId ??= stateIdOf(this.stateDir));
  }

  async probe(): Promise<string | null> {
    try {
      await Promise.all([run('ip', ['-V']), run('nft', ['--version']), run('dnsmasq', ['--version'])]);
      await run('nft', ['-j', 'list', 'tables']);
      return null;
    } catch (error) {
      return `Bridges need ip, nft and dnsmasq: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  async chooseSubnets(taken: string[]): Promise<{ ipv4: string; ipv6: string }> {
    const also = taken.map(parseSubnet).filter((subnet) => subnet !== null);
    return pickSubnets([...(await usedSubnets()), ...also], this.random);
  }

  ensureNetwork(spec: NetworkSpec): Promise<void> {
    return this.locks.run(mintedId(spec.ref.id), () => this.setUp(spec));
  }

  private async setUp(spec: NetworkSpec): Promise<void> {
    checkNetworkSpec(spec);
    const paths = networkPaths(this.stateDir, spec.ref.id);
    // Rendered first: what cannot be written safely changes nothing.
    const config = renderDnsmasqConfig(spec, { ...paths, hostsDirectory: paths.hosts }, await dnsmasqUser());
    const before = await readNetwork(paths);
    const moved = before !== null && before.ref.interfaceName !== spec.ref.interfaceName;
    if (!before || moved) await refuseForeignBridge(this.stateId, spec.ref);
    await ensureDirectories(this.stateDir, paths);
    if (moved) await removeBridge(this.stateId, before.ref);
    // Remembered before it is made, so that a removal after a crash finds everything.
    await writeChanged(paths.network, JSON.stringify(spec));
    const ports = await readPorts(paths);
    const members = ports.map((port) => port.hostName);
    const made = await ensureBridge(this.stateId, spec, members);
    await this.firewall.render();
    const changes = [await writeChanged(paths.config, config)];
    for (const port of ports) changes.push(await writeHost(paths, port.portId, renderHost(port, spec.dns)));
    await this.ensureDnsmasq(spec, made || changes.includes(true));
  }

  private async ensureDnsmasq(spec: NetworkSpec, restart: boolean): Promise<void> {
    const paths = networkPaths(this.stateDir, spec.ref.id);
    const wanted = spec.ipv4 !== null || spec.ipv6 !== null;
    if (restart || !wanted) await stopDnsmasq(paths);
    if (wanted && !(await findDnsmasq(paths))) await startDnsmasq(paths);
  }

  removeNetwork(ref: NetworkRef): Promise<void> {
    return this.locks.run(mintedId(ref.id), async () => {
      const paths = networkPaths(this.stateDir, ref.id);
      await stopDnsmasq(paths);
      await removeBridge(this.stateId, ref);
      await rm(paths.directory, { recursive: true, force: true });
      await this.firewall.render();
    });
  }

  async ensurePort(port: PortSpec): Promise<void> {
    const changed = await this.locks.run(mintedId(port.network.id), async () => {
      const paths = networkPaths(this.stateDir, port.network.id);
      const spec = await readNetwork(paths);
      if (!spec) throw networkMissing(port.network);
      interfaceName(port.hostName);
      hardwareAddress(port.hwaddr);
      const before = await readPort(paths, port.portId);
      const after = await this.withAddresses(port, before, spec);
      const host = renderHost(after, spec.dns);
      await writePort(paths, after);
      await this.firewall.changePort({ spec, before, after });
      return writeHost(paths, port.portId, host);
    });
    if (changed) await this.reloads.request(port.network.id);
  }

  /** Checks fixed addresses; a port that is filtered by address gets one when it has none, since nothing else could be told from it. */
  private async withAddresses(port: PortSpec, before: PortSpec | null, spec: NetworkSpec): Promise<PortSpec> {
    const wanting = [
      ...(port.filter.ipv4 && !port.ipv4Address && spec.ipv4?.dhcp
        ? [{ key: 'ipv4Address' as const, network: spec.ipv4.address }]
        : []),
      ...(port.filter.ipv6 && !port.ipv6Address && spec.ipv6?.stateful
        ? [{ key: 'ipv6Address' as const, network: spec.ipv6.address }]
        : []),
    ];
    if (!port.ipv4Address && !port.ipv6Address && wanting.length === 0) return port;
    const paths = networkPaths(this.stateDir, spec.ref.id);
    const others = (await readPorts(paths)).filter((other) => other.portId !== port.portId);
    const chosen: PortSpec = { ...port };
    for (const { key, network } of wanting) {
      const kept = before?.[key];
      if (kept !== undefined && contains(subnetOf(network), kept)) chosen[key] = kept;
      else {
        const lent = (await leasesOf(paths, spec))
          .filter((lease) => lease.hwaddr !== port.hwaddr)
          .map((lease) => lease.address);
        const used = [...others.flatMap((other) => other[key] ?? []), ...lent].filter((address) =>
          contains(subnetOf(network), address),
        );
        chosen[key] = pickAddress(subnetOf(network), port.hwaddr, used);
      }
    }
    checkPortAddresses(chosen, spec, others);
    return chosen;
  }

  async removePort(port: Pick<PortSpec, 'network' | 'portId' | 'hostName' | 'hwaddr'>): Promise<void> {
    const changed = await this.locks.run(mintedId(port.network.id), async () => {
      const paths = networkPaths(this.stateDir, port.network.id);
      const before = await readPort(paths, port.portId);
      const spec = await readNetwork(paths);
      // First of all: an instance that runs must not keep a way into the network that nothing filters any more.
      if (before) await removePortLink(before.hostName);
      if (before && spec) await this.firewall.changePort({ spec, before, after: null });
      const hadHost = await writeHost(paths, port.portId, null);
      if (before) await releaseLeases(paths, port.network, before, this.log);
      await removePortFile(paths, port.portId);
      return hadHost;
    });
    if (changed) await this.reloads.request(port.network.id);
  }

  async leases(ref: NetworkRef) {
    const paths = networkPaths(this.stateDir, ref.id);
    const spec = await readNetwork(paths);
    return spec ? leasesOf(paths, spec) : [];
  }

  async inspect(ref: NetworkRef) {
    if (!(await bridgeIsThere(this.stateId, ref))) return null;
    return (await findHostInterface(interfaceName(ref.interfaceName)))?.state ?? null;
  }

  async heal(specs: NetworkSpec[]): Promise<string[]> {
    const firewallLost = specs.length > 0 && (await this.firewall.isLost());
    const mended = (await Promise.all(specs.map((spec) => this.healNetwork(spec.ref)))).filter((text) => text !== null);
    // Whatever was mended has put the rules back, too.
    if (firewallLost && mended.length === 0) {
      await this.firewall.render();
      mended.push('The firewall rules of the networks were gone and have been made again');
    }
    return mended;
  }

  /** By what was last set up, under the network's lock: one that is being removed meanwhile is not brought back. */
  private healNetwork(ref: NetworkRef): Promise<string | null> {
    return this.locks.run(mintedId(ref.id), async () => {
      const paths = networkPaths(this.stateDir, ref.id);
      const spec = await readNetwork(paths);
      if (!spec) return null;
      if (!(await bridgeIsThere(this.stateId, spec.ref))) {
        await this.setUp(spec);
        return `The bridge of the network ${spec.ref.name} was gone and has been made again`;
      }
      await boundLog(paths);
      if ((!spec.ipv4 && !spec.ipv6) || (await findDnsmasq(paths))) return null;
      await this.setUp(spec);
      return `dnsmasq of the network ${spec.ref.name} had died and has been started again`;
    });
  }
}
