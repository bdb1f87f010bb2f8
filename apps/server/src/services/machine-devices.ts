import { isDomainError } from '@stapes/contract/errors';
import type { Devices } from '@stapes/contract/instance';
import type { InstanceRow, Store } from '../store/store.ts';
import { effectiveOf } from './machine.ts';

/** Effective devices for questions about others ("is this address taken"); an instance whose profile is gone answers with its own. */
export async function machineDevices(store: Store, row: InstanceRow): Promise<Devices> {
  try {
    return (await effectiveOf(store, row)).devices;
  } catch (error) {
    if (isDomainError(error)) return row.devices;
    throw error;
  }
}
