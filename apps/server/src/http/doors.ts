import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { createPeerCredentialsReader, findGroupId } from '@stapes/runtime/host/peer-credentials';
import type { FastifyReply } from 'fastify';
import type { Auth, NewSession } from '../auth/auth.ts';
import { createAuthenticator } from '../auth/authenticate.ts';
import { sessionCookie } from '../auth/cookie.ts';
import { createAuth, isSetUp } from '../auth/create-auth.ts';
import { createSessions, type Sessions } from '../auth/sessions.ts';
import { createSetupLink } from '../auth/setup-link.ts';
import type { ServerConfig } from '../config.ts';
import type { Log } from '../log.ts';
import { registerRest } from '../rest/register.ts';
import { handleRestUpgrade } from '../rest/upgrade.ts';
import type { Services } from '../services/services.ts';
import type { Store } from '../store/store.ts';
import { createTrpcSocketDoor, registerTrpc } from '../trpc/trpc-door.ts';
import { createTerminalDoor } from '../ws/terminal-socket.ts';
import { ensureCertificate } from './certificate.ts';
import { createApp, type AppDeps } from './create-app.ts';
import { listenTcp, listenUnix, type AnyServer } from './listeners.ts';
import { createRequestGuard } from './request-guard.ts';
import { registerStaticFiles } from './static-files.ts';
import { createStaticMap } from './static-map.ts';
import { createUnixIdentities } from './unix-identity.ts';
import { handleUpgrades, type UpgradeDeps, type UpgradeDoor } from './upgrades.ts';

export interface Doors {
  url: string;
  setupUrl: string | null;
  close(): Promise<void>;
}

interface Deps {
  config: ServerConfig;
  log: Log;
  store: Pick<Store, 'users' | 'passkeys' | 'settings' | 'sessions'>;
  services: Services;
}

const certificateCheckMs = 24 * 60 * 60_000;
const sweepMs = 60_000;

/** Opens every way in: the browser's HTTPS (dashboard, tRPC, REST, websockets) and the unix socket (REST). */
export async function startDoors(deps: Deps): Promise<Doors> {
  const { config, log, store } = deps;
  const sessions = createSessions(store, Date.now);
  const auth = createAuth({ store, sessions, origin: config.origin, now: Date.now });
  const unix = await openUnix(deps, sessions);
  const tcp = await openTcp(deps, sessions, auth).catch(async (error: unknown) => {
    await unix.close();
    throw error;
  });
  const sweep = setInterval(() => {
    sessions.sweep().catch((error: unknown) => log.warn({ err: error }, 'expired sessions could not be removed'));
  }, sweepMs);
  sweep.unref();
  return {
    url: config.origin,
    setupUrl: (await isSetUp(store)) ? null : await createSetupLink(store, config.origin),
    async close() {
      clearInterval(sweep);
      await Promise.all([unix.close(), tcp.close()]);
    },
  };
}

/** REST doors are the same on both listeners. */
function restDoors({ services, log }: Deps): UpgradeDeps['doors'] {
  const open: UpgradeDoor = ({ context, ...upgrade }) => {
    const { identity, requestId } = context;
    const isTaken = handleRestUpgrade({ services, log }, { ...upgrade, identity, requestId });
    if (!isTaken) throw new DomainError('not-found', 'Nothing speaks websocket here');
  };
  return [{ prefix: '/1.0', open }];
}

async function openUnix(deps: Deps, sessions: Sessions): Promise<{ close(): Promise<void> }> {
  const { config, log, services } = deps;
  const groupId = await findGroupId(config.socketGroup);
  const identities = createUnixIdentities({ read: createPeerCredentialsReader(), groupId, log });
  const authenticator = createAuthenticator({ sessions, isSecure: true, unixIdentity: identities.of });
  const shared: AppDeps = { log, authenticator, guard: null, isSecure: true };
  const { app, handler } = createApp(shared);
  registerRest(app, { services, log, root: true });
  await app.ready();
  const server = await listenUnix(handler, join(config.stateDir, 'unix.socket'), groupId);
  identities.watch(server);
  const upgrades = handleUpgrades(server, { ...shared, sessions, doors: restDoors(deps) });
  return { close: () => closeServer(server, upgrades) };
}

async function openTcp(deps: Deps, sessions: Sessions, auth: Auth): Promise<{ close(): Promise<void> }> {
  const { config, log, services } = deps;
  const isSecure = !config.insecureHttp;
  const authenticator = createAuthenticator({ sessions, isSecure, unixIdentity: () => null });
  const guard = createRequestGuard(config.origin, isSecure ? 'https' : 'http');
  const shared: AppDeps = { log, authenticator, guard, isSecure };
  const { app, handler } = createApp(shared);
  const setCookie = (reply: FastifyReply, session: NewSession | null) => {
    void reply.header('set-cookie', sessionCookie(session, isSecure, Date.now()));
  };
  registerRest(app, { services, log });
  registerTrpc(app, { services, auth, log, setCookie });
  registerStaticFiles(app, createStaticMap(config.webDir));
  await app.ready();
  const certificate = () =>
    ensureCertificate({
      stateDir: config.stateDir,
      names: [new URL(config.origin).hostname.replace(/^\[|\]$/g, '')],
      nowMs: Date.now(),
    });
  const server = await listenTcp(handler, config.listen, isSecure ? await certificate() : null);
  const upgrades = handleUpgrades(server, {
    ...shared,
    sessions,
    doors: [
      { prefix: '/trpc', open: createTrpcSocketDoor({ services, auth, log }) },
      { prefix: '/ws/terminals', open: createTerminalDoor({ services, log }) },
      ...restDoors(deps),
    ],
  });
  const renewal = isSecure ? renewDaily(server, certificate, log) : null;
  return {
    close: () => {
      if (renewal) clearInterval(renewal);
      return closeServer(server, upgrades);
    },
  };
}

function renewDaily(
  server: AnyServer,
  certificate: () => ReturnType<typeof ensureCertificate>,
  log: Log,
): NodeJS.Timeout {
  const renew = async () => {
    if ('setSecureContext' in server) server.setSecureContext({ ...(await certificate()), minVersion: 'TLSv1.2' });
  };
  const timer = setInterval(() => {
    renew().catch((error: unknown) => log.error({ err: error }, 'the certificate could not be renewed'));
  }, certificateCheckMs);
  return timer.unref();
}

/** Ends what is open: instances and terminals do not live in these connections. */
async function closeServer(server: AnyServer, upgrades: { closeAll(): void }): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    upgrades.closeAll();
    server.closeAllConnections();
  });
}
