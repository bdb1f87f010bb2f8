import { DomainError } from '@stapes/contract/errors';
import type { Devices } from '@stapes/contract/instance';
import type { InstanceRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import { nicDevices } from './expand.ts';
import { machineDevices } from './machine-devices.ts';

/** Devices name networks and pools that must be there, and addresses that nobody else may have. */
export async function checkReferences(
  deps: BaseDeps,
  devices: Devices,
  options: { exceptInstance: string },
): Promise<void> {
  const { store } = deps;
  const seen = new Set<string>();
  for (const { name, device } of nicDevices(devices)) {
    if (!device.network) continue;
    const network = await store.networks.findByName(device.network);
    if (!network || network.phase !== 'ready') {
      throw new DomainError('not-found', `There is no network "${device.network}"`, {
        details: { field: `devices.${name}.network` },
      });
    }
    // Both would have the same DNS name.
    if (seen.has(device.network)) {
      throw new DomainError(
        'invalid',
        `devices.${name}.network: Two NICs of one instance cannot be in the same network`,
        { details: { field: `devices.${name}.network` } },
      );
    }
    seen.add(device.network);
    for (const key of ['ipv4.address', 'ipv6.address'] as const) {
      if (device[key] && device[key] !== 'none') requireInSubnet(name, key, device[key], network.config[key]);
    }
  }
  const wanted = addressesOf(devices);
  if (wanted.length === 0) return;
  for (const row of [...deps.live.reserved.values(), ...(await store.instances.list())]) {
    if (row.id === options.exceptInstance) continue;
    await refuseTaken(deps, row, wanted);
  }
}

interface Address {
  field: string;
  key: string;
  value: string;
}
function addressesOf(devices: Devices): Address[] {
  return nicDevices(devices).flatMap(({ name, device }) =>
    ['ipv4.address', 'ipv6.address', 'hwaddr', 'host_name'].flatMap((key) => {
      const value = device[key];
      return value && value !== 'none' ? [{ field: `devices.${name}.${key}`, key, value: value.toLowerCase() }] : [];
    }),
  );
}

async function refuseTaken(deps: BaseDeps, row: InstanceRow, wanted: Address[]): Promise<void> {
  const theirs = addressesOf(await machineDevices(deps.store, row));
  for (const address of wanted) {
    if (theirs.some(({ key, value }) => key === address.key && value === address.value)) {
      throw new DomainError(
        'exists',
        `${address.field}: ${address.value} is that of the instance "${row.name}" already`,
        { details: { field: address.field } },
      );
    }
  }
}

function requireInSubnet(
  device: string,
  key: 'ipv4.address' | 'ipv6.address',
  address: string,
  network: string | undefined,
): void {
  if (network && network !== 'none' && inSubnet(address, network)) return;
  throw new DomainError(
    'invalid',
    `devices.${device}.${key}: ${address} is not in the subnet of the network (${network ?? 'none'})`,
    {
      details: { field: `devices.${device}.${key}` },
    },
  );
}

/** True when the address lies in the subnet of `10.1.2.1/24` or `fd42::1/64`. */
export function inSubnet(address: string, network: string): boolean {
  const [base = '', prefix = ''] = network.split('/');
  const a = addressBits(address);
  const b = addressBits(base);
  if (a === null || b === null || a.width !== b.width) return false;
  const shift = BigInt(a.width - Number(prefix));
  return shift >= 0n && a.value >> shift === b.value >> shift;
}

function addressBits(address: string): { value: bigint; width: number } | null {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(address)) {
    return { value: address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n), width: 32 };
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right];
  if (all.length !== 8 || all.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return { value: all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n), width: 128 };
}
