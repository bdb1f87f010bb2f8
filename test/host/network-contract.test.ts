import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createBridgeDriver } from '@stapes/runtime/networks/bridge/bridge-driver';
import { exampleNetwork, networkDriverContract } from '@stapes/runtime/networks/driver.contract';

networkDriverContract('bridge', async () => {
  const stateDir = await mkdtemp('/var/tmp/stapes-test-network-');
  await chmod(stateDir, 0o711);
  const driver = createBridgeDriver({ stateDir });
  return {
    driver,
    restarted: () => createBridgeDriver({ stateDir }),
    async remove() {
      await driver.removeNetwork(exampleNetwork().ref);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
});
