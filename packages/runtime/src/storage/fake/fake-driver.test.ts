import { rm } from 'node:fs/promises';
import { storageDriverContract } from '../driver.contract.ts';
import { createFakeStorageDriver } from './fake-driver.ts';

storageDriverContract('fake', async () => {
  const driver = createFakeStorageDriver();
  return { driver, poolConfig: {}, cleanUp: () => rm(driver.directory, { recursive: true, force: true }) };
});
