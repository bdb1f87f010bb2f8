import type { Runtime } from '@stapes/runtime/runtime';
import type { ServerConfig } from './config.ts';
import type { EventHub } from './events/event-hub.ts';
import type { Log } from './log.ts';
import { createEngine } from './operations/engine.ts';
import type { Saga } from './operations/saga.ts';
import { clearLeftovers } from './reconcile/clear-leftovers.ts';
import { ensureDefaults } from './reconcile/ensure-defaults.ts';
import { deleteEnded, healNetworks, watchInstances } from './reconcile/follow.ts';
import { shutDownInstances } from './reconcile/host-shutdown.ts';
import { autostart, ensureNetworks, ensurePools, reconcileInstances } from './reconcile/reconcile.ts';
import { watchStarts } from './reconcile/snapshot-at-start.ts';
import { startSnapshotTimer } from './reconcile/snapshot-timer.ts';
import { createSagas } from './sagas/sagas.ts';
import { createFilesService } from './services/files.ts';
import { createImagesService } from './services/images.ts';
import { createInstancesService } from './services/instances.ts';
import { createLiveState } from './services/live-state.ts';
import { createNetworksService } from './services/networks.ts';
import { createEventsService, createOperationsService } from './services/operations.ts';
import { createPower } from './services/power.ts';
import { createProfilesService } from './services/profiles.ts';
import { createServerService } from './services/server.ts';
import type { Services } from './services/services.ts';
import { createSnapshotsService, restoreSnapshot } from './services/snapshots.ts';
import { createStorageService } from './services/storage.ts';
import { createTemplates } from './services/templates.ts';
import { createTerminalsService } from './services/terminals.ts';
import { createUsageSampler } from './services/usage-sampler.ts';
import type { Store } from './store/store.ts';

export interface RunningServices {
  services: Services;
  /** Pools, recovery, networks, defaults, adoption, watching; autostart goes on in the background. */
  start(): Promise<void>;
  /** Instances, terminals and networks go on without the server; unless the host goes down: then instances are shut down in order. */
  stop(options?: { hostGoesDown: boolean }): Promise<void>;
}

/** Everything between the doors and the host, put together. */
export function createServices(given: {
  config: ServerConfig;
  log: Log;
  store: Store;
  runtime: Runtime;
  events: EventHub;
}): RunningServices {
  const base = { ...given, live: createLiveState() };
  const templates = createTemplates(base);
  const power = createPower(base, templates);
  const sagas = createSagas({ ...base, power, templates });
  const engine = createEngine({
    store: base.store,
    events: base.events,
    sagas: Object.values(sagas) as Saga<unknown>[],
    log: base.log,
  });
  const unhealthy = new Map<string, string>();
  const shared = { ...base, engine, sagas, power, unhealthy, sampler: createUsageSampler(base) };
  const deps = {
    ...shared,
    snapshotRestore: (...call: Parameters<typeof restoreSnapshot> extends [unknown, ...infer Rest] ? Rest : never) =>
      restoreSnapshot(shared, ...call),
  };
  const closed = new AbortController();
  const services: Services = {
    instances: createInstancesService(deps),
    snapshots: createSnapshotsService(shared),
    files: createFilesService(deps),
    images: createImagesService(deps),
    profiles: createProfilesService(deps),
    networks: createNetworksService(deps),
    storage: createStorageService(deps),
    operations: createOperationsService(deps),
    events: createEventsService(deps),
    terminals: createTerminalsService(deps),
    server: createServerService(deps),
  };
  return {
    services,
    async start() {
      await ensurePools(deps);
      await ensureNetworks(deps);
      await clearLeftovers(deps);
      watchStarts({ ...deps, snapshots: services.snapshots }, closed.signal);
      await engine.recover();
      // What was going on before comes to rest first; a long build may go on for longer than anybody should wait.
      await Promise.race([engine.idle(), new Promise((resolve) => setTimeout(resolve, recoveryMs).unref())]);
      await ensureDefaults(deps);
      const { toDelete, toStart } = await reconcileInstances(deps);
      watchInstances(deps, closed.signal);
      healNetworks(deps, closed.signal);
      startSnapshotTimer({ ...deps, snapshots: services.snapshots }, closed.signal);
      deps.sampler.start();
      const failed = (error: unknown) => deps.log.error({ err: error }, 'the start was not finished');
      for (const row of toDelete) void deleteEnded(deps, row).catch(failed);
      void autostart(deps, toStart, closed.signal).catch(failed);
    },
    async stop({ hostGoesDown } = { hostGoesDown: false }) {
      closed.abort();
      deps.sampler.stop();
      await engine.close();
      if (hostGoesDown) await shutDownInstances(deps);
    },
  };
}

const recoveryMs = 10_000;
