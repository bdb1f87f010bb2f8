import { createBtrfsDriver } from './btrfs/btrfs-driver.ts';
import { createDirDriver } from './dir/dir-driver.ts';
import type { StorageDriver } from './driver.ts';

/** All storage drivers of this host, by name. */
export function createStorageDrivers(options: { stateDir: string }): Record<string, StorageDriver> {
  const drivers = [createBtrfsDriver(options), createDirDriver(options)];
  return Object.fromEntries(drivers.map((driver) => [driver.name, driver]));
}
