import { networkDriverContract } from '../driver.contract.ts';
import { createFakeNetworkDriver, type FakeNetworkHost } from './fake-network-driver.ts';

networkDriverContract('fake', () => {
  const host: FakeNetworkHost = new Map();
  return Promise.resolve({
    driver: createFakeNetworkDriver(host),
    restarted: () => createFakeNetworkDriver(host),
    remove: () => Promise.resolve(),
  });
});
