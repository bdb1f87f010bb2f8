import { instanceDriverContract } from '@stapes/runtime/instances/driver.contract';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { LxcFixture, sh } from './lxc-fixture.ts';

for (const privileged of [false, true])
  instanceDriverContract(privileged ? 'lxc, privileged' : 'lxc', async () => {
    const fixture = new LxcFixture();
    const bridge = privileged ? 'brtestp' : 'brtestu';
    sh('ip', 'link', 'add', bridge, 'type', 'bridge');
    sh('ip', 'link', 'set', bridge, 'up');
    let counter = 0;
    return {
      driver: createLxcDriver({ stateDir: fixture.stateDir }),
      makeSpec(changes = {}) {
        const number = String(++counter).padStart(2, '0');
        const nic = {
          device: 'eth0',
          name: 'eth0',
          hostName: `v${bridge}${number}`,
          hwaddr: `10:66:6a:00:00:${number}`,
          bridge,
        };
        return fixture.spec(fixture.busyboxRootfs(`box${number}`), {
          nics: [nic],
          ...(privileged ? { idmap: null } : {}),
          ...changes,
        });
      },
      cleanUp: async () => fixture.remove(),
    };
  });
