import type { InterfaceState } from '@stapes/contract/instance';

/** A managed network. `interfaceName` is what the host calls it (the user's name for a bridge in the first server of a host, derived otherwise). */
export interface NetworkRef {
  id: string;
  name: string;
  interfaceName: string;
}
/** Typed values; addresses with their prefix as `10.1.2.1/24`. */
export interface NetworkSpec {
  ref: NetworkRef;
  ipv4: {
    address: string;
    nat: boolean;
    dhcp: boolean;
    dhcpRanges: string[];
    dhcpExpiry: string;
    firewall: boolean;
    routing: boolean;
  } | null;
  ipv6: { address: string; nat: boolean; dhcp: boolean; stateful: boolean; firewall: boolean; routing: boolean } | null;
  dns: { domain: string; mode: 'managed' | 'dynamic' | 'none' };
  mtu?: number;
}
/** A NIC's place in a network. Ports are remembered in a file of the driver, so that DHCP and filters survive everything. */
export interface PortSpec {
  network: NetworkRef;
  /** Minted. */
  portId: string;
  hostName: string;
  hwaddr: string;
  /** DNS name. */
  hostname: string;
  ipv4Address?: string;
  ipv6Address?: string;
  filter: { mac: boolean; ipv4: boolean; ipv6: boolean };
  isolated: boolean;
}
export interface Lease {
  hostname: string;
  hwaddr: string;
  address: string;
  type: 'static' | 'dynamic' | 'gateway';
}

export interface NetworkDriver {
  readonly type: string;
  probe(): Promise<string | null>;
  /** Picks free IPv4 and IPv6 ranges by reading addresses and routes of this host; nothing is pinged. */
  chooseSubnets(taken: string[]): Promise<{ ipv4: string; ipv6: string }>;
  /** Bridge, addresses, sysctls, nftables, dnsmasq: made or brought up to date. Also brings it back after a reboot. */
  ensureNetwork(spec: NetworkSpec): Promise<void>;
  /** Removes all of it. Absent is fine. */
  removeNetwork(ref: NetworkRef): Promise<void>;
  /** Static lease, DNS name and filters of a NIC; before the instance starts. */
  ensurePort(port: PortSpec): Promise<void>;
  /** Absent is fine; its lease is gone, too, and the interface of an instance that runs. */
  removePort(port: Pick<PortSpec, 'network' | 'portId' | 'hostName' | 'hwaddr'>): Promise<void>;
  leases(ref: NetworkRef): Promise<Lease[]>;
  /** Looks at the host: null when it is not there. */
  inspect(ref: NetworkRef): Promise<InterfaceState | null>;
  /** Parts that have died (dnsmasq) are started again; returns what was mended. Cheap: called every few seconds. */
  heal(specs: NetworkSpec[]): Promise<string[]>;
}
