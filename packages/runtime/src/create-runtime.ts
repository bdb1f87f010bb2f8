import { createImageBuilder } from './images/builder/image-builder.ts';
import { createImageStore } from './images/image-store.ts';
import { createLxcDriver } from './instances/lxc/lxc-driver.ts';
import { createBridgeDriver } from './networks/bridge/bridge-driver.ts';
import type { Runtime, RuntimeConfig } from './runtime.ts';
import { createStorageDrivers } from './storage/create-drivers.ts';
import { createTerminalHost } from './terminals/terminal-host-client.ts';

/** The parts list: every driver is named here, once. */
export function createRuntime(config: RuntimeConfig): Runtime {
  const { stateDir, cacheDir } = config;
  return {
    instances: { container: createLxcDriver({ stateDir }) },
    storage: createStorageDrivers({ stateDir }),
    networks: { bridge: createBridgeDriver({ stateDir }) },
    images: createImageStore(),
    builder: createImageBuilder({ cacheDir }),
    terminals: createTerminalHost({ stateDir, hostEntry: config.terminalHostEntry }),
  };
}
