import type { InstanceDriver } from './instances/driver.ts';
import type { ImageBuilder, ImageStore } from './images/source.ts';
import type { NetworkDriver } from './networks/driver.ts';
import type { StorageDriver } from './storage/driver.ts';
import type { TerminalHost } from './terminals/terminal-host.ts';

export interface RuntimeConfig {
  /** State directory, absolute. */
  stateDir: string;
  /** Where prepared image builds lie (`/var/cache/stapes`). */
  cacheDir: string;
  /** Argv that starts the terminal host's process (`[node, .../terminal-host.js]`). */
  terminalHostEntry: string[];
}

/** The mechanism: does what it is told to this host; knows no users, no database, no HTTP. */
export interface Runtime {
  instances: Record<'container', InstanceDriver>;
  storage: Record<string, StorageDriver>;
  networks: Record<'bridge', NetworkDriver>;
  images: ImageStore;
  builder: ImageBuilder;
  terminals: TerminalHost;
}
