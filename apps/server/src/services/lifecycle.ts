import type { Context, Identity } from './context.ts';
import type { BaseDeps } from './deps.ts';

/** Who caused something, as sagas keep it in their params. */
export interface Requestor {
  username: string;
  protocol: string;
  address: string;
}

export function requestorOf(context: Context): Requestor {
  return { username: context.identity.username, protocol: context.identity.protocol, address: context.address };
}

const serverIdentity: Identity = { username: 'server', protocol: 'unix' };
/** What the server does by itself: autostart, healing, ephemeral deletes. */
export function serverContext(): Context {
  return { identity: serverIdentity, project: 'default', requestId: 'server', address: '@' };
}

export interface Lifecycle {
  /** Incus name: `instance-started`. */
  action: string;
  /** `/1.0/instances/web1`. */
  source: string;
  name: string;
  project?: string;
  requestor: Requestor;
  context?: Record<string, unknown>;
}

export function publishLifecycle(deps: Pick<BaseDeps, 'events'>, lifecycle: Lifecycle): void {
  const { action, source, name, requestor, context } = lifecycle;
  const project = lifecycle.project ?? 'default';
  deps.events.publish({
    type: 'lifecycle',
    timestamp: new Date().toISOString(),
    location: 'none',
    project,
    metadata: { action, source, name, project, requestor, ...(context ? { context } : {}) },
  });
}

export function instanceUrl(name: string): string {
  return `/1.0/instances/${encodeURIComponent(name)}`;
}
export function snapshotUrl(instance: string, snapshot: string): string {
  return `${instanceUrl(instance)}/snapshots/${encodeURIComponent(snapshot)}`;
}
export function imageUrl(fingerprint: string): string {
  return `/1.0/images/${fingerprint}`;
}
export function networkUrl(name: string): string {
  return `/1.0/networks/${encodeURIComponent(name)}`;
}
export function poolUrl(name: string): string {
  return `/1.0/storage-pools/${encodeURIComponent(name)}`;
}
export function profileUrl(name: string): string {
  return `/1.0/profiles/${encodeURIComponent(name)}`;
}
