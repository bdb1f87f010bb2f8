import { listHostInterfaces } from '@stapes/runtime/networks/host-interfaces';
import { known, type Sysfs } from './sysfs.ts';

const sectorBytes = 512;

/** Node -1 is "none in particular". */
const nodeOf = async (sys: Sysfs, path: string) => Math.max(0, (await sys.number(path)) ?? 0);

async function readPartitions(sys: Sysfs, disk: string): Promise<object[]> {
  const found = [];
  for (const name of await sys.names(`/sys/block/${disk}`)) {
    const at = `/sys/block/${disk}/${name}`;
    const partition = await sys.number(`${at}/partition`);
    if (partition === undefined) continue;
    found.push({
      id: name,
      device: await sys.text(`${at}/dev`),
      partition,
      read_only: (await sys.number(`${at}/ro`)) === 1,
      size: ((await sys.number(`${at}/size`)) ?? 0) * sectorBytes,
    });
  }
  return found;
}

function diskType(name: string): string | undefined {
  return [
    ['nvme', 'nvme'],
    ['sd', 'scsi'],
    ['vd', 'virtio'],
    ['mmcblk', 'mmc'],
    ['sr', 'cdrom'],
  ].find(([prefix]) => name.startsWith(prefix ?? ''))?.[1];
}

export async function storageResources(sys: Sysfs): Promise<Record<string, unknown>> {
  const disks = [];
  for (const name of await sys.names('/sys/block')) {
    // What is made of files, memory or other disks.
    if (/^(loop|ram|zram|dm-|md|nbd)/.test(name)) continue;
    const at = (path: string) => `/sys/block/${name}/${path}`;
    disks.push(
      known({
        id: name,
        device: await sys.text(at('dev')),
        type: diskType(name),
        model: await sys.text(at('device/model')),
        serial: await sys.text(at('device/serial')),
        wwn: (await sys.text(at('wwid'))) || (await sys.text(at('device/wwid'))),
        firmware_version: (await sys.text(at('device/firmware_rev'))) || (await sys.text(at('device/rev'))),
        block_size: await sys.number(at('queue/physical_block_size')),
        size: ((await sys.number(at('size'))) ?? 0) * sectorBytes,
        read_only: (await sys.number(at('ro'))) === 1,
        removable: (await sys.number(at('removable'))) === 1,
        // The kernel tells turning disks from others, not how fast they turn.
        rpm: (await sys.number(at('queue/rotational'))) === 1 ? 1 : 0,
        numa_node: await nodeOf(sys, at('device/numa_node')),
        partitions: await readPartitions(sys, name),
      }),
    );
  }
  return { disks, total: disks.length };
}

export async function networkResources(sys: Sysfs): Promise<Record<string, unknown>> {
  const cards = [];
  for (const { name, type, state } of await listHostInterfaces()) {
    const at = (path: string) => `/sys/class/net/${name}/${path}`;
    const driver = await sys.linkName(at('device/driver'));
    if (type !== 'physical' && driver === undefined) continue;
    const speed = (await sys.number(at('speed'))) ?? 0;
    const pci = await sys.linkName(at('device'));
    cards.push(
      known({
        driver,
        numa_node: await nodeOf(sys, at('device/numa_node')),
        pci_address: pci && /^[0-9a-f]{4}:/.test(pci) ? pci : undefined,
        vendor_id: (await sys.text(at('device/vendor'))).replace(/^0x/, ''),
        product_id: (await sys.text(at('device/device'))).replace(/^0x/, ''),
        ports: [
          known({
            id: name,
            address: state.hwaddr,
            port: 0,
            protocol: 'ethernet',
            link_detected: state.state === 'up',
            link_speed: speed > 0 ? speed : undefined,
            link_duplex: await sys.text(at('duplex')),
          }),
        ],
      }),
    );
  }
  return { cards, total: cards.length };
}

export async function systemResources(sys: Sysfs): Promise<Record<string, unknown>> {
  const dmi = (name: string) => sys.text(`/sys/class/dmi/id/${name}`);
  const part = async (prefix: string, names: Record<string, string>) =>
    known(
      Object.fromEntries(
        await Promise.all(
          Object.entries(names).map(async ([key, name]) => [key, await dmi(`${prefix}_${name}`)] as const),
        ),
      ),
    );
  const usual = { vendor: 'vendor', version: 'version', serial: 'serial' };
  return {
    ...(await part('product', {
      ...{ uuid: 'uuid', product: 'name', family: 'family', version: 'version' },
      sku: 'sku',
      serial: 'serial',
    })),
    ...(await part('sys', { vendor: 'vendor' })),
    firmware: await part('bios', { vendor: 'vendor', version: 'version', date: 'date' }),
    chassis: await part('chassis', { ...usual, type: 'type' }),
    motherboard: await part('board', { ...usual, product: 'name' }),
  };
}
