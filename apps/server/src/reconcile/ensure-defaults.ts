import { messageOf } from '@stapes/contract/errors';
import type { Devices } from '@stapes/contract/instance';
import { listHostInterfaces } from '@stapes/runtime/networks/host-interfaces';
import type { Sagas } from '../sagas/sagas.ts';
import type { ServiceDeps } from '../services/deps.ts';
import { ended } from '../services/ended.ts';
import { networkUrl, poolUrl, requestorOf, serverContext } from '../services/lifecycle.ts';
import { planNetwork } from '../services/networks.ts';
import { mintId } from '../store/mint-id.ts';

const doneKey = 'state.defaults';

interface DefaultsDeps extends ServiceDeps {
  sagas: Sagas;
}

/** Pool, network and profile `default`, once. Each is only made when it is not there, so that a crash in between does no harm; what the host cannot do is tried again at the next start. */
export async function ensureDefaults(deps: DefaultsDeps): Promise<void> {
  if ((await deps.store.settings.all())[doneKey]) return;
  const attempt = async <T>(what: string, run: () => Promise<T>): Promise<T | null> => {
    try {
      return await run();
    } catch (error) {
      deps.log.error({ err: error }, `the default ${what} could not be made: ${messageOf(error)}`);
      return null;
    }
  };
  const pool = await attempt('storage pool', () => ensurePool(deps));
  const network = await attempt('network', () => ensureNetwork(deps));
  await ensureProfile(deps, {
    ...(pool ? { root: { type: 'disk', path: '/', pool } } : {}),
    ...(network ? { eth0: { type: 'nic', network, name: 'eth0' } } : {}),
  });
  if (pool && network) await deps.store.settings.set(doneKey, '1');
}

async function ensurePool(deps: DefaultsDeps): Promise<string> {
  const name = 'default';
  if (await deps.store.pools.findByName(name)) return name;
  const context = serverContext();
  const drivers = ['btrfs', 'dir'].filter((driver) => Object.hasOwn(deps.runtime.storage, driver));
  const candidates = drivers.length > 0 ? drivers : Object.keys(deps.runtime.storage);
  let failure: unknown = null;
  for (const driver of candidates) {
    const why = await deps.runtime.storage[driver]?.probe();
    if (why) {
      deps.log.info({ driver, why }, 'the host cannot use this storage driver');
      continue;
    }
    const pool = { id: mintId(), name, description: '', driver, config: {}, phase: 'creating' as const };
    try {
      const operation = await deps.engine.startSaga(
        context,
        deps.sagas.poolCreate,
        { pool, requestor: requestorOf(context) },
        {
          description: 'Creating storage pool',
          locks: [`pool-name:${name}`, `pool:${pool.id}`],
          resources: { storage_pools: [poolUrl(name)] },
        },
      );
      await ended(deps, operation);
      return name;
    } catch (error) {
      failure = error;
      deps.log.warn({ err: error, driver }, 'the default pool could not be made with this driver');
    }
  }
  throw failure ?? new Error('no storage driver can be used on this host');
}

async function ensureNetwork(deps: DefaultsDeps): Promise<string> {
  const [first] = await deps.store.networks.list();
  if (first) return first.name;
  const context = serverContext();
  const taken = new Set((await listHostInterfaces()).map(({ name }) => name));
  let number = 0;
  while (taken.has(`stapesbr${number}`)) number++;
  const network = await planNetwork(deps, { name: `stapesbr${number}`, description: '', config: {} });
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
  return network.name;
}

async function ensureProfile(deps: DefaultsDeps, devices: Devices): Promise<void> {
  const found = await deps.store.profiles.findByName('default', 'default');
  if (!found) {
    await deps.store.profiles.create({
      id: mintId(),
      project: 'default',
      name: 'default',
      description: 'Default profile',
      config: {},
      devices,
    });
    return;
  }
  const missing = Object.entries(devices).filter(([name]) => !Object.hasOwn(found.devices, name));
  if (missing.length > 0)
    await deps.store.profiles.update(found.id, { devices: { ...found.devices, ...Object.fromEntries(missing) } });
}
