import { parseSubnet, subnetOf } from '../addresses.ts';
import { networkMissing } from '../bridge/network-files.ts';
import { renderDnsmasqConfig, renderHost } from '../dns/dnsmasq-config.ts';
import type { Lease, NetworkDriver, NetworkSpec, PortSpec } from '../driver.ts';
import { interfaceName, mintedId } from '../interface-names.ts';
import { checkNetworkSpec, checkPortAddresses } from '../network-check.ts';
import { pickSubnets } from '../subnets.ts';

interface FakeNetwork {
  spec: NetworkSpec;
  ports: Map<string, PortSpec>;
}

/** Where a fake keeps what a host would; two drivers over one host are a server and its successor. */
export type FakeNetworkHost = Map<string, FakeNetwork>;

const noFiles = { hostsDirectory: '/hosts', leases: '/leases', pid: '/pid', log: '/log' };

function stateOf({ spec }: FakeNetwork) {
  const addresses = [spec.ipv4, spec.ipv6].flatMap((family) => {
    if (!family) return [];
    const subnet = subnetOf(family.address);
    return [
      {
        family: subnet.family === 4 ? ('inet' as const) : ('inet6' as const),
        address: subnet.address,
        netmask: String(subnet.prefix),
        scope: 'global' as const,
      },
    ];
  });
  const counters = {
    bytes_received: 0,
    bytes_sent: 0,
    packets_received: 0,
    packets_sent: 0,
    errors_received: 0,
    errors_sent: 0,
    packets_dropped_outbound: 0,
    packets_dropped_inbound: 0,
  };
  return {
    addresses,
    counters,
    hwaddr: '02:00:00:00:00:01',
    host_name: '',
    mtu: spec.mtu ?? 1500,
    state: 'up' as const,
    type: 'broadcast' as const,
  };
}

function leasesOf({ spec, ports }: FakeNetwork): Lease[] {
  const gateways = [spec.ipv4, spec.ipv6].flatMap((family): Lease[] =>
    family
      ? [{ hostname: `${spec.ref.name}.gw`, hwaddr: '', address: subnetOf(family.address).address, type: 'gateway' }]
      : [],
  );
  const fixed = [...ports.values()].flatMap(({ hostname, hwaddr, ipv4Address, ipv6Address }) =>
    [ipv4Address, ipv6Address].flatMap((address): Lease[] =>
      address === undefined ? [] : [{ hostname, hwaddr, address, type: 'static' }],
    ),
  );
  return [...gateways, ...fixed];
}

/** Remembers networks and ports, checks what the real one checks, and touches nothing. */
export function createFakeNetworkDriver(host: FakeNetworkHost = new Map()): NetworkDriver {
  return {
    type: 'bridge',
    probe: () => Promise.resolve(null),
    chooseSubnets: (taken) =>
      Promise.resolve(
        pickSubnets(
          taken.map(parseSubnet).filter((subnet) => subnet !== null),
          Math.random,
        ),
      ),
    async ensureNetwork(spec) {
      checkNetworkSpec(spec);
      renderDnsmasqConfig(spec, noFiles, 'nobody');
      host.set(mintedId(spec.ref.id), {
        spec: structuredClone(spec),
        ports: host.get(spec.ref.id)?.ports ?? new Map<string, PortSpec>(),
      });
    },
    async removeNetwork(ref) {
      host.delete(ref.id);
    },
    async ensurePort(port) {
      const network = host.get(port.network.id);
      if (!network) throw networkMissing(port.network);
      interfaceName(port.hostName);
      renderHost(port, network.spec.dns);
      const others = [...network.ports.values()].filter((other) => other.portId !== port.portId);
      checkPortAddresses(port, network.spec, others);
      network.ports.set(mintedId(port.portId), structuredClone(port));
    },
    async removePort(port) {
      host.get(port.network.id)?.ports.delete(port.portId);
    },
    async leases(ref) {
      const network = host.get(ref.id);
      return network ? leasesOf(network) : [];
    },
    async inspect(ref) {
      const network = host.get(ref.id);
      return network ? stateOf(network) : null;
    },
    heal: () => Promise.resolve([]),
  };
}
