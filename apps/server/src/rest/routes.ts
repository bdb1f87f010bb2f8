import { certificateRoutes } from './certificates.ts';
import { clusterRoutes } from './cluster.ts';
import { eventRoutes } from './events.ts';
import { consoleRoutes } from './console.ts';
import { fileRoutes } from './files.ts';
import { imageAliasRoutes } from './image-aliases.ts';
import { imageRoutes } from './images.ts';
import { instanceRoutes } from './instances.ts';
import { logRoutes } from './logs.ts';
import { metadataRoutes } from './metadata.ts';
import { networkRoutes } from './networks.ts';
import { operationRoutes } from './operations.ts';
import { profileRoutes } from './profiles.ts';
import { projectRoutes } from './projects.ts';
import type { Route } from './route.ts';
import { serverRoutes } from './server.ts';
import { snapshotRoutes } from './snapshots.ts';
import { storagePoolRoutes } from './storage-pools.ts';
import { warningRoutes } from './warnings.ts';

const ofInstances: Route[] = [...instanceRoutes, ...snapshotRoutes, ...fileRoutes, ...logRoutes, ...consoleRoutes];

/** Older clients know instances under the name of their type. */
function underOldName(name: string): Route[] {
  return ofInstances.map((route) => ({ ...route, path: route.path.replace('/1.0/instances', `/1.0/${name}`) }));
}

/** Every endpoint of the API: one array a noun. */
export const routes: readonly Route[] = [
  ...serverRoutes,
  ...ofInstances,
  ...underOldName('containers'),
  ...underOldName('virtual-machines'),
  ...imageAliasRoutes,
  ...imageRoutes,
  ...profileRoutes,
  ...networkRoutes,
  ...storagePoolRoutes,
  ...operationRoutes,
  ...eventRoutes,
  ...projectRoutes,
  ...certificateRoutes,
  ...clusterRoutes,
  ...metadataRoutes,
  ...warningRoutes,
];
