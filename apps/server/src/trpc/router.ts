import { authRouter } from './auth.ts';
import { eventsRouter } from './events.ts';
import { imagesRouter } from './images.ts';
import { instancesRouter } from './instances.ts';
import { networksRouter } from './networks.ts';
import { operationsRouter } from './operations.ts';
import { profilesRouter } from './profiles.ts';
import { serverRouter } from './server.ts';
import { snapshotsRouter } from './snapshots.ts';
import { storageRouter } from './storage.ts';
import { terminalsRouter } from './terminals.ts';
import { router } from './trpc.ts';

/** The dashboard's API. Each procedure is a method of `services/services.ts` of the same name. */
export const appRouter = router({
  auth: authRouter,
  events: eventsRouter,
  images: imagesRouter,
  instances: instancesRouter,
  networks: networksRouter,
  operations: operationsRouter,
  profiles: profilesRouter,
  server: serverRouter,
  snapshots: snapshotsRouter,
  storage: storageRouter,
  terminals: terminalsRouter,
});

export type AppRouter = typeof appRouter;
