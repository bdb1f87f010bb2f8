import { createHash, randomBytes } from 'node:crypto';
import { totalmem } from 'node:os';
import { DomainError } from '@stapes/contract/errors';
import type { Config, Devices } from '@stapes/contract/instance';
import type { IdmapRange, Limits, MachineSpec, MountSpec, NicSpec } from '@stapes/runtime/instances/driver';
import type { PortSpec } from '@stapes/runtime/networks/driver';
import type { PoolRef, StorageDriver } from '@stapes/runtime/storage/driver';
import type { InstanceRow, NetworkRow, PoolRow, Store } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { expand, nicDevices, type Layer } from './expand.ts';
import { toLimits } from './limits.ts';
import { toNetworkRef } from './network-spec.ts';
import { isNotFalse, isTrue } from './validate.ts';

/** All that the host needs to know of an instance, worked out from the intent in the database. */
export interface Machine {
  row: InstanceRow;
  effective: Layer;
  pool: PoolRef;
  storage: StorageDriver;
  spec: MachineSpec;
  ports: PortSpec[];
}

export async function effectiveOf(
  store: Store,
  row: Pick<InstanceRow, 'project' | 'profiles' | 'config' | 'devices'>,
): Promise<Layer> {
  const layers: Layer[] = [];
  for (const name of row.profiles) {
    const profile = await store.profiles.findByName(row.project, name);
    if (!profile) {
      throw new DomainError('not-found', `There is no profile "${name}"`, { details: { field: 'profiles' } });
    }
    layers.push(profile);
  }
  return expand(layers, row);
}

export function toPoolRef(row: PoolRow): PoolRef {
  return { id: row.id, driver: row.driver, config: row.config };
}

export function storageDriver(deps: Pick<BaseDeps, 'runtime'>, driver: string): StorageDriver {
  const found = Object.hasOwn(deps.runtime.storage, driver) ? deps.runtime.storage[driver] : undefined;
  if (!found) {
    throw new DomainError(
      'unsupported',
      `There is no storage driver "${driver}"; there are ${Object.keys(deps.runtime.storage).join(', ')}`,
      {
        details: { field: 'driver' },
      },
    );
  }
  return found;
}

/** The range that an instance has now, from its volatile keys; null when privileged. */
export function idmapOf(config: Config, volatile: Config): IdmapRange | null {
  if (isTrue(config['security.privileged'])) return null;
  const current = volatile['volatile.idmap.current'] ?? volatile['volatile.idmap.next'];
  const match = /^(\d+):(\d+)$/.exec(current ?? '');
  return match ? { hostBase: Number(match[1]), size: Number(match[2]) } : null;
}

/** Adds what the server remembers of each NIC where it is missing. Returns the same object when nothing was. */
export function withVolatile(config: Config, devices: Devices): Config {
  const changed: Config = {};
  if (!config['volatile.uuid']) changed['volatile.uuid'] = uuidFrom(randomBytes(16));
  const nics = nicDevices(devices);
  for (const { name, device } of nics) {
    if (!device.hwaddr && !config[`volatile.${name}.hwaddr`]) changed[`volatile.${name}.hwaddr`] = mintHwaddr();
    if (!device.host_name && !config[`volatile.${name}.host_name`])
      changed[`volatile.${name}.host_name`] = `veth${randomBytes(4).toString('hex')}`;
  }
  const names = interfaceNames(nics, config);
  for (const { name, device } of nics) {
    const chosen = names.get(name) ?? '';
    if (!device.name && config[`volatile.${name}.name`] !== chosen) changed[`volatile.${name}.name`] = chosen;
  }
  // A name that nobody has any more must not be taken from the next one who wants it.
  const stale = Object.keys(config).filter((key) => {
    const device = /^volatile\.(.+)\.name$/.exec(key)?.[1];
    return device !== undefined && !nics.some(({ name, device: nic }) => name === device && !nic.name);
  });
  if (Object.keys(changed).length + stale.length === 0) return config;
  return Object.fromEntries(Object.entries({ ...config, ...changed }).filter(([key]) => !stale.includes(key)));
}

/** Locally administered prefix 10:66:6a is what tools expect to see of managed containers. */
export function mintHwaddr(): string {
  return `10:66:6a:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
}

function uuidFrom(bytes: Buffer): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function hostNameOf(
  row: Pick<InstanceRow, 'config'>,
  name: string,
  device: Record<string, string>,
): string | undefined {
  return device.host_name ?? row.config[`volatile.${name}.host_name`];
}

/** Where a NIC plugs in; made from ids only, so that a restarted server knows it again. */
export function portIdOf(instanceId: string, device: string): string {
  return createHash('sha256').update(`${instanceId}\0${device}`).digest('hex').slice(0, 16);
}

/** Interface names inside that nobody chose: what they had before, else eth0, eth1 ... in the order of device names. */
function interfaceNames(nics: { name: string; device: Record<string, string> }[], config: Config): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const take = (device: string, name: string | undefined) => {
    if (!name || taken.has(name)) return;
    taken.add(name);
    names.set(device, name);
  };
  for (const { name, device } of nics) take(name, device.name);
  for (const { name, device } of nics) if (!device.name) take(name, config[`volatile.${name}.name`]);
  let next = 0;
  for (const { name, device } of nics) {
    if (device.name) names.set(name, device.name);
    while (!names.has(name)) take(name, `eth${next++}`);
  }
  return names;
}

function nicsAndPorts(
  row: InstanceRow,
  devices: Devices,
  networks: Map<string, NetworkRow>,
): { nics: NicSpec[]; ports: PortSpec[] } {
  const nics: NicSpec[] = [];
  const ports: PortSpec[] = [];
  const found = nicDevices(devices);
  const names = interfaceNames(found, row.config);
  for (const { name, device } of found) {
    const network = device.network ? networks.get(device.network) : undefined;
    if (device.network && (!network || network.phase !== 'ready')) {
      throw new DomainError('not-found', `There is no network "${device.network}"`, {
        details: { field: `devices.${name}.network` },
      });
    }
    const hostName = hostNameOf(row, name, device) ?? '';
    const hwaddr = (device.hwaddr ?? row.config[`volatile.${name}.hwaddr`] ?? '').toLowerCase();
    nics.push({
      device: name,
      name: names.get(name) ?? 'eth0',
      hostName,
      hwaddr,
      bridge: network ? toNetworkRef(network).interfaceName : (device.parent ?? ''),
      ...(device.mtu ? { mtu: Number(device.mtu) } : {}),
    });
    if (!network) continue;
    ports.push({
      network: toNetworkRef(network),
      portId: portIdOf(row.id, name),
      hostName,
      hwaddr,
      hostname: row.name,
      ...(device['ipv4.address'] && device['ipv4.address'] !== 'none' ? { ipv4Address: device['ipv4.address'] } : {}),
      ...(device['ipv6.address'] && device['ipv6.address'] !== 'none' ? { ipv6Address: device['ipv6.address'] } : {}),
      filter: {
        mac: isTrue(device['security.mac_filtering']),
        ipv4: isTrue(device['security.ipv4_filtering']),
        ipv6: isTrue(device['security.ipv6_filtering']),
      },
      isolated: isTrue(device['security.port_isolation']),
    });
  }
  return { nics, ports };
}

function mountsOf(devices: Devices): MountSpec[] {
  return Object.values(devices)
    .filter((device) => device.type === 'disk' && device.path !== '/' && device.source && device.path)
    .map((device) => ({
      source: device.source ?? '',
      target: device.path ?? '',
      readOnly: isTrue(device.readonly),
      recursive: isTrue(device.recursive),
      required: isNotFalse(device.required),
      shift: isTrue(device.shift),
    }));
}

export function limitsOf(row: InstanceRow, effective: Layer, rootfs: string): Limits {
  return toLimits(effective.config, effective.devices, {
    hostMemoryBytes: totalmem(),
    hostName: (device) => hostNameOf(row, device, effective.devices[device] ?? {}),
    backing: (device) => (effective.devices[device]?.path === '/' ? rootfs : effective.devices[device]?.source),
  });
}

const environmentPrefix = 'environment.';
export function environmentOf(config: Config): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(environmentPrefix) ? [[key.slice(environmentPrefix.length), value]] : [],
    ),
  );
}

/** Puts rows together. `pool` is given by callers who hold it already. */
export async function machineOf(
  deps: BaseDeps,
  row: InstanceRow,
  known: { pool?: PoolRef; effective?: Layer } = {},
): Promise<Machine> {
  const { store } = deps;
  const effective = known.effective ?? (await effectiveOf(store, row));
  const pool = known.pool ?? toPoolRef(await store.pools.get(row.poolId));
  const storage = storageDriver(deps, pool.driver);
  const networks = new Map((await store.networks.list()).map((network) => [network.name, network]));
  const { nics, ports } = nicsAndPorts(row, effective.devices, networks);
  const rootfs = storage.volumes.rootfs({ pool, id: row.volumeId });
  const spec: MachineSpec = {
    ref: { id: row.id },
    type: row.type,
    hostname: row.name,
    rootfs,
    idmap: idmapOf(effective.config, row.config),
    nesting: isTrue(effective.config['security.nesting']),
    environment: environmentOf(effective.config),
    mounts: mountsOf(effective.devices),
    nics,
    limits: limitsOf(row, effective, rootfs),
    apparmor: true,
  };
  return { row, effective, pool, storage, spec, ports };
}
