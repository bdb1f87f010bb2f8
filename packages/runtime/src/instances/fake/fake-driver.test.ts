import { instanceDriverContract } from '../driver.contract.ts';
import { createFakeInstanceDriver } from './fake-driver.ts';

let counter = 0;
instanceDriverContract('fake', async () => ({
  driver: createFakeInstanceDriver(),
  makeSpec: (changes = {}) => ({
    ref: { id: `fakebox${String(++counter).padStart(4, '0')}` },
    type: 'container',
    hostname: 'box',
    rootfs: '/nowhere',
    idmap: null,
    nesting: false,
    environment: {},
    mounts: [],
    nics: [
      { device: 'eth0', name: 'eth0', hostName: `vethfake${counter}`, hwaddr: '10:66:6a:00:00:01', bridge: 'br0' },
    ],
    limits: { disk: [], nic: [] },
    apparmor: false,
    ...changes,
  }),
  cleanUp: async () => undefined,
}));
