import { rm } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import { KeyedLock } from '../../host/keyed-lock.ts';
import { run } from '../../host/run.ts';
import { stateId as stateIdOf } from '../../host/state-id.ts';
import { parseSubnet, subnetOf } from '../addresses.ts';
import { Coalesced } from '../dns/coalesce.ts';
import { renderDnsmasqConfig, renderHost } from '../dns/dnsmasq-config.ts';
import { dnsmasqUser, findDnsmasq, reloadDnsmasq, startDnsmasq, stopDnsmasq } from '../dns/dnsmasq-process.ts';
import type { NetworkDriver, NetworkRef, NetworkSpec, PortSpec } from '../driver.ts';
import { findHostInterface } from '../host-interfaces.ts';
import { hardwareAddress, interfaceName, mintedId } from '../interface-names.ts';
import { pickSubnets, usedSubnets } from '../subnets.ts';
import { bridgeIsThere, ensureBridge, refuseForeignBridge, removeBridge } from './bridge-link.ts';
import { createFirewall, type Firewall } from './bridge-firewall.ts';
import { leasesOf, releaseLeases } from './bridge-leases.ts';
import {
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

const isFiltered = (port: PortSpec | null) =>
  port !== null && (port.isolated || port.filter.mac || port.filter.ipv4 || port.filter.ipv6);

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
    this.reloads = new Coalesced((id) => reloadDnsmasq(networkPaths(stateDir, id)), 50);
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
    return this.locks.run(mintedId(spec.ref.id), async () => {
      const paths = networkPaths(this.stateDir, spec.ref.id);
      // Rendered first: what cannot be written safely changes nothing.
      const config = renderDnsmasqConfig(spec, { ...paths, hostsDirectory: paths.hosts }, await dnsmasqUser());
      const before = await readNetwork(paths);
      if (!before) await refuseForeignBridge(this.stateId, spec.ref);
      await ensureDirectories(this.stateDir, paths);
      if (before && before.ref.interfaceName !== spec.ref.interfaceName) await removeBridge(this.stateId, before.ref);
      // Remembered before it is made, so that a removal after a crash finds everything.
      await writeChanged(paths.network, JSON.stringify(spec));
      const ports = await readPorts(paths);
      const members = ports.map((port) => port.hostName);
      const made = await ensureBridge(this.stateId, spec, members);
      await this.firewall.render();
      const changes = [await writeChanged(paths.config, config)];
      for (const port of ports) changes.push(await writeHost(paths, port.portId, renderHost(port, spec.dns)));
      await this.ensureDnsmasq(spec, made || changes.includes(true));
    });
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

  ensurePort(port: PortSpec): Promise<void> {
    return this.locks
      .run(mintedId(port.network.id), async () => {
        const paths = networkPaths(this.stateDir, port.network.id);
        const spec = await readNetwork(paths);
        if (!spec) throw networkMissing(port.network);
        interfaceName(port.hostName);
        hardwareAddress(port.hwaddr);
        const host = renderHost(port, spec.dns);
        const before = await readPort(paths, port.portId);
        await writePort(paths, port);
        if (isFiltered(port) || isFiltered(before)) await this.firewall.render();
        return (await writeHost(paths, port.portId, host)) ? port.network.id : null;
      })
      .then((changed) => (changed === null ? undefined : this.reloads.request(changed)));
  }

  removePort(port: Pick<PortSpec, 'network' | 'portId' | 'hostName' | 'hwaddr'>): Promise<void> {
    return this.locks
      .run(mintedId(port.network.id), async () => {
        const paths = networkPaths(this.stateDir, port.network.id);
        const before = await readPort(paths, port.portId);
        if (!before) return null;
        if (isFiltered(before)) await this.firewall.render({ without: port.portId });
        const changed = await writeHost(paths, port.portId, null);
        await releaseLeases(paths, port.network, before, this.log);
        await removePortFile(paths, port.portId);
        return changed ? port.network.id : null;
      })
      .then((changed) => (changed === null ? undefined : this.reloads.request(changed)));
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
    const mended: string[] = [];
    const firewallLost = specs.length > 0 && (await this.firewall.isLost());
    for (const spec of specs) {
      const paths = networkPaths(this.stateDir, spec.ref.id);
      if (!(await bridgeIsThere(this.stateId, spec.ref))) {
        await this.ensureNetwork(spec);
        mended.push(`The bridge of the network ${spec.ref.name} was gone and has been made again`);
      } else if ((spec.ipv4 || spec.ipv6) && !(await findDnsmasq(paths))) {
        await this.ensureNetwork(spec);
        mended.push(`dnsmasq of the network ${spec.ref.name} had died and has been started again`);
      }
    }
    // Whatever was mended above has put the rules back, too.
    if (firewallLost && mended.length === 0) {
      await this.firewall.render();
      mended.push('The firewall rules of the networks were gone and have been made again');
    }
    return mended;
  }
}

/** Throws `invalid` for a network that cannot be made; for callers that want to know before they begin. */
export function checkNetworkSpec(spec: NetworkSpec): void {
  for (const [family, width] of [
    ['ipv4', 4],
    ['ipv6', 6],
  ] as const) {
    const address = spec[family]?.address;
    if (address !== undefined && subnetOf(address).family !== width) {
      throw new DomainError('invalid', `${JSON.stringify(address)} is not an ${family} address with its prefix`, {
        details: { field: `config.${family}.address` },
      });
    }
  }
}
