import { createHash } from 'node:crypto';
import { portIdOf, toPoolRef } from '../../services/machine.ts';
import { toNetworkRef } from '../../services/network-spec.ts';
import type { ImageRow, InstanceRow, NetworkRow, PoolRow, SnapshotRow } from '../../store/store.ts';
import type { InstanceCreateParams } from '../instance-create.ts';
import { putFile, requestor, runSteps, sagasOf, type SagaWorld } from './saga-world.ts';

export const pool: PoolRow = {
  id: 'pool000000000001',
  name: 'default',
  description: '',
  driver: 'fake',
  config: {},
  phase: 'ready',
};
export const network: NetworkRow = {
  id: 'net0000000000001',
  name: 'br0',
  description: '',
  type: 'bridge',
  config: { 'ipv4.address': '10.9.8.1/24', 'ipv6.address': 'none', 'volatile.interface': 'br0' },
  phase: 'ready',
};
const imageText = 'an image';
export const fingerprint = createHash('sha256').update(imageText).digest('hex');
export const image: ImageRow = {
  fingerprint,
  filename: 'tiny.tar',
  sizeBytes: imageText.length,
  type: 'container',
  architecture: 'x86_64',
  public: false,
  cached: false,
  properties: { os: 'tiny' },
  metadata: { architecture: 'x86_64', creation_date: 1 },
  templates: {},
  split: false,
  phase: 'ready',
  createdAtMs: 1,
  uploadedAtMs: 1,
  expiresAtMs: null,
  lastUsedAtMs: null,
};
export const instance: InstanceRow = {
  id: 'inst000000000001',
  project: 'default',
  name: 'web1',
  description: '',
  type: 'container',
  architecture: 'x86_64',
  ephemeral: false,
  profiles: ['default'],
  config: {
    'volatile.uuid': '00000000-0000-4000-8000-000000000001',
    'volatile.eth0.hwaddr': '10:66:6a:00:00:01',
    'volatile.eth0.host_name': 'veth00000001',
    'volatile.idmap.next': '100000:65536',
  },
  devices: {},
  phase: 'creating',
  desired: 'stopped',
  poolId: pool.id,
  volumeId: 'vol0000000000001',
  imageFingerprint: fingerprint,
  metadata: {
    architecture: 'x86_64',
    creation_date: 1,
    templates: { '/name': { when: ['create', 'copy', 'rename'], template: 'name.tpl' } },
  },
  templates: { 'name.tpl': '{{ instance.name }}' },
  createdAtMs: 1,
  lastUsedAtMs: 0,
};
export const snapshot: SnapshotRow = {
  id: 'snap000000000001',
  instanceId: instance.id,
  name: 'before',
  description: '',
  config: { 'user.then': 'yes', 'volatile.eth0.hwaddr': '10:66:6a:00:00:99' },
  devices: {},
  profiles: ['default'],
  ephemeral: false,
  phase: 'ready',
  createdAtMs: 2,
  expiresAtMs: null,
};
export const snapshotParams = {
  snapshot,
  instance: instance.name,
  project: 'default',
  volumeId: instance.volumeId,
  pool: toPoolRef(pool),
  requestor,
};
export const portsOf = (row: InstanceRow): InstanceCreateParams['ports'] => [
  {
    network: toNetworkRef(network),
    portId: portIdOf(row.id, 'eth0'),
    hostName: row.config['volatile.eth0.host_name'] ?? '',
    hwaddr: row.config['volatile.eth0.hwaddr'] ?? '',
  },
];
export function createParams(
  row: InstanceRow,
  source: InstanceCreateParams['source'],
  start: boolean,
): InstanceCreateParams {
  return {
    instance: row,
    pool: toPoolRef(pool),
    ports: portsOf(row),
    source,
    snapshots: [],
    start,
    trigger: source.kind === 'volume' ? 'copy' : 'create',
    requestor,
  };
}

/** Pool, network, default profile and a stored image, as a server has them soon after its first start. */
export async function furnish(world: SagaWorld): Promise<void> {
  const sagas = sagasOf(world);
  await runSteps(sagas.poolCreate, { pool, requestor });
  await runSteps(sagas.networkCreate, { network, requestor });
  await world.store.profiles.create({
    id: 'prof000000000001',
    project: 'default',
    name: 'default',
    description: '',
    config: {},
    devices: {
      root: { type: 'disk', path: '/', pool: pool.name, size: '1GiB' },
      eth0: { type: 'nic', network: network.name, name: 'eth0' },
    },
  });
}
export async function furnishImage(world: SagaWorld): Promise<void> {
  await world.store.images.create(image);
  await world.store.aliases.create({ name: 'tiny', description: '', type: 'container', fingerprint });
  await putFile(world, `images/${fingerprint}`, imageText);
}
/** The furnished world with one instance in it. */
export async function furnishInstance(world: SagaWorld, start: boolean): Promise<void> {
  await furnish(world);
  await furnishImage(world);
  const source = { kind: 'image' as const, fingerprint };
  await runSteps(sagasOf(world).instanceCreate, createParams(instance, source, start));
}
export async function furnishSnapshot(world: SagaWorld): Promise<void> {
  await runSteps(sagasOf(world).snapshotCreate, snapshotParams);
}
