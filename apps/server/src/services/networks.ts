import { createHash } from 'node:crypto';
import { DomainError } from '@stapes/contract/errors';
import type { Config } from '@stapes/contract/instance';
import {
  createNetworkSchema,
  putNetworkSchema,
  type CreateNetwork,
  type Network,
  type NetworkState,
} from '@stapes/contract/network';
import { findHostInterface, listHostInterfaces } from '@stapes/runtime/networks/host-interfaces';
import { mintId } from '../store/mint-id.ts';
import type { NetworkRow } from '../store/store.ts';
import type { Sagas } from '../sagas/sagas.ts';
import type { Context } from './context.ts';
import type { BaseDeps, ServiceDeps } from './deps.ts';
import { ended } from './ended.ts';
import { etagOf, requireMatch } from './etag.ts';
import { instanceUrl, networkUrl, profileUrl, requestorOf } from './lifecycle.ts';
import { machineDevices } from './machine-devices.ts';
import { interfaceKey, toNetworkRef } from './network-spec.ts';
import type { NetworksService } from './services.ts';
import { admit, invalid, parse, requireConfig, withoutEmpty } from './validate.ts';

export interface NetworkDeps extends ServiceDeps {
  sagas: Sagas;
}

const etag = (row: NetworkRow) => etagOf([row.name, row.type, row.description, row.config]);

/** Who uses a network: profiles that name it and instances that have it in their effective devices. */
export async function networkUsers(deps: BaseDeps): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>();
  const add = (devices: Record<string, Record<string, string>>, url: string) => {
    for (const network of new Set(
      Object.values(devices).flatMap((device) => (device.type === 'nic' && device.network ? [device.network] : [])),
    )) {
      users.set(network, [...(users.get(network) ?? []), url]);
    }
  };
  for (const profile of await deps.store.profiles.list()) add(profile.devices, profileUrl(profile.name));
  for (const row of await deps.store.instances.list())
    add(await machineDevices(deps.store, row), instanceUrl(row.name));
  return users;
}

function toNetwork(row: NetworkRow, used_by: string[], up: boolean): Network {
  return {
    name: row.name,
    description: row.description,
    type: row.type,
    managed: true,
    status: row.phase === 'creating' ? 'Pending' : up ? 'Created' : 'Errored',
    config: row.config,
    used_by,
    locations: ['none'],
    project: 'default',
  };
}

/** `auto` becomes an address now, for good. An address that was chosen brings NAT along, as nobody else would know the way. */
export async function withAddresses(deps: BaseDeps, config: Config, exceptId: string): Promise<Config> {
  const next = { ...config };
  const wanted = (['ipv4', 'ipv6'] as const).filter(
    (family) => next[`${family}.address`] === undefined || next[`${family}.address`] === 'auto',
  );
  if (wanted.length === 0) return next;
  const others = (await deps.store.networks.list()).filter(({ id }) => id !== exceptId);
  const taken = others
    .flatMap(({ config: theirs }) => [theirs['ipv4.address'], theirs['ipv6.address']])
    .filter((address): address is string => !!address && address !== 'none');
  const chosen = await deps.runtime.networks.bridge.chooseSubnets(taken);
  for (const family of wanted) {
    next[`${family}.address`] = chosen[family];
    next[`${family}.nat`] ??= 'true';
  }
  return next;
}

/** Name of the bridge on the host: the network's own when nobody has it, else one made of its id. */
export async function interfaceFor(row: Pick<NetworkRow, 'id' | 'name'>): Promise<string> {
  return (await findHostInterface(row.name)) === null
    ? row.name
    : `sb${createHash('sha256').update(row.id).digest('hex').slice(0, 10)}`;
}

export async function planNetwork(
  deps: BaseDeps,
  given: { name: string; description: string; config: Config },
): Promise<NetworkRow> {
  const id = mintId();
  const config = await withAddresses(deps, given.config, id);
  const bridge = await interfaceFor({ id, name: given.name });
  return {
    id,
    name: given.name,
    description: given.description,
    type: 'bridge',
    config: bridge === given.name ? config : { ...config, [interfaceKey]: bridge },
    phase: 'creating',
  };
}

async function need(deps: BaseDeps, name: string): Promise<NetworkRow> {
  const row = await deps.store.networks.findByName(name);
  if (!row || row.phase === 'deleting')
    throw new DomainError('not-found', `There is no network "${name}" of this server`);
  return row;
}

async function create(deps: NetworkDeps, context: Context, request: unknown): Promise<CreateNetwork> {
  admit(context);
  const parsed = parse(createNetworkSchema, request);
  const config = withoutEmpty(parsed.config ?? {});
  requireConfig('network-bridge', config);
  if (await deps.store.networks.findByName(parsed.name))
    throw new DomainError('exists', `There is a network "${parsed.name}" already: choose another name`, {
      details: { field: 'name' },
    });
  const network = await planNetwork(deps, { name: parsed.name, description: parsed.description ?? '', config });
  const operation = await deps.engine.startSaga(
    context,
    deps.sagas.networkCreate,
    { network, requestor: requestorOf(context) },
    {
      description: 'Creating network',
      locks: ['networks', `network:${network.id}`],
      resources: { networks: [networkUrl(network.name)] },
    },
  );
  await ended(deps, operation);
  return parsed;
}

async function change(
  deps: NetworkDeps,
  context: Context,
  on: { name: string; request: unknown; match: string | undefined; merge: boolean },
): Promise<ReturnType<typeof parsePut>> {
  admit(context);
  const before = await need(deps, on.name);
  requireMatch(on.match, etag(before));
  const parsed = parsePut(on.request);
  const volatile = Object.fromEntries(Object.entries(before.config).filter(([key]) => key.startsWith('volatile.')));
  for (const [key, value] of Object.entries(parsed.config ?? {})) {
    if (key.startsWith('volatile.') && before.config[key] !== value)
      throw invalid(`config.${key}`, 'The server sets this key');
  }
  const wanted = Object.fromEntries(
    Object.entries({ ...(on.merge ? before.config : {}), ...(parsed.config ?? {}) }).filter(
      ([key]) => !key.startsWith('volatile.'),
    ),
  );
  requireConfig('network-bridge', wanted);
  const config = { ...(await withAddresses(deps, withoutEmpty(wanted), before.id)), ...volatile };
  const after: NetworkRow = {
    ...before,
    description: parsed.description ?? (on.merge ? before.description : ''),
    config,
  };
  const operation = await deps.engine.startSaga(
    context,
    deps.sagas.networkUpdate,
    { before, after, requestor: requestorOf(context) },
    {
      description: 'Updating network',
      locks: [`network:${before.id}`],
      resources: { networks: [networkUrl(before.name)] },
    },
  );
  await ended(deps, operation);
  return parsed;
}
const parsePut = (request: unknown) => parse(putNetworkSchema, request);

async function remove(deps: NetworkDeps, context: Context, name: string): Promise<void> {
  admit(context);
  const network = await need(deps, name);
  const users = (await networkUsers(deps)).get(name) ?? [];
  if (users.length > 0)
    throw new DomainError(
      'in-use',
      `The network "${name}" is used by ${users
        .slice(0, 5)
        .map((url) => decodeURIComponent(url.replace('/1.0/', '')))
        .join(', ')}: take it from them first`,
    );
  const operation = await deps.engine.startSaga(
    context,
    deps.sagas.networkDelete,
    { network, requestor: requestorOf(context) },
    { description: 'Deleting network', locks: [`network:${network.id}`], resources: { networks: [networkUrl(name)] } },
  );
  await ended(deps, operation);
}

export function createNetworksService(deps: NetworkDeps): NetworksService {
  const bridge = deps.runtime.networks.bridge;
  return {
    async list(context) {
      admit(context);
      const [rows, users, interfaces] = await Promise.all([
        deps.store.networks.list(),
        networkUsers(deps),
        listHostInterfaces(),
      ]);
      const ours = new Set(rows.map((row) => toNetworkRef(row).interfaceName));
      const up = new Set(interfaces.map(({ name }) => name));
      // Host ends of NICs are nobody's network.
      const others = interfaces.filter(({ name, type }) => !ours.has(name) && type !== 'veth');
      return [
        ...rows
          .filter(({ phase }) => phase !== 'deleting')
          .map((row) => toNetwork(row, users.get(row.name) ?? [], up.has(toNetworkRef(row).interfaceName))),
        ...others.map(({ name, type }) => unmanaged(name, type)),
      ];
    },
    async get(context, name) {
      admit(context);
      const row = await deps.store.networks.findByName(name);
      if (!row || row.phase === 'deleting') {
        const found = /^[a-zA-Z0-9._-]{1,15}$/.test(name) ? await findHostInterface(name) : null;
        if (!found) throw new DomainError('not-found', `There is no network "${name}"`);
        const value = unmanaged(found.name, found.type);
        return { value, etag: etagOf(value) };
      }
      const up = (await bridge.inspect(toNetworkRef(row))) !== null;
      return { value: toNetwork(row, (await networkUsers(deps)).get(name) ?? [], up), etag: etag(row) };
    },
    create: (context, request) => create(deps, context, request),
    put: (context, name, request, match) => change(deps, context, { name, request, match, merge: false }),
    patch: (context, name, request, match) => change(deps, context, { name, request, match, merge: true }),
    remove: (context, name) => remove(deps, context, name),
    async leases(context, name) {
      admit(context);
      const row = await need(deps, name);
      return (await bridge.leases(toNetworkRef(row))).map((lease) => ({
        ...lease,
        location: 'none',
        project: 'default',
      }));
    },
    async state(context, name): Promise<NetworkState> {
      admit(context);
      const row = await deps.store.networks.findByName(name);
      const found = /^[a-zA-Z0-9._-]{1,15}$/.test(name)
        ? await findHostInterface(row ? toNetworkRef(row).interfaceName : name)
        : null;
      if (!found) throw new DomainError('not-found', `The network "${name}" is not up on this host`);
      const { host_name: _hostName, ...state } = found.state;
      const upper =
        found.type === 'bridge'
          ? (await listHostInterfaces()).filter(({ master }) => master === found.name).map(({ name: port }) => port)
          : [];
      const bridgeState = {
        id: '',
        stp: false,
        forward_delay: 0,
        vlan_default: 1,
        vlan_filtering: false,
        upper_devices: upper,
      };
      return { ...state, bridge: found.type === 'bridge' ? bridgeState : null };
    },
  };
}

function unmanaged(name: string, type: string): Network {
  return {
    name,
    description: '',
    type,
    managed: false,
    status: '',
    config: {},
    used_by: [],
    locations: [],
    project: 'default',
  };
}
