import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import { run } from '../../host/run.ts';
import { subnetOf } from '../addresses.ts';
import type { NetworkRef, NetworkSpec } from '../driver.ts';
import { findHostInterface, type HostInterface } from '../host-interfaces.ts';
import { interfaceName } from '../interface-names.ts';

/** The Linux bridge itself. It is ours when its hardware address is the one that the network's id gives: that is set as it is made, in one step. */

export function bridgeHwaddr(stateId: string, networkId: string): string {
  const hex = createHash('sha256').update(`${stateId} ${networkId}`).digest('hex');
  return ['02', ...[0, 2, 4, 6, 8].map((at) => hex.slice(at, at + 2))].join(':');
}

/** Several commands of `ip` in one process. Each word is checked: a batch is lines of text. */
async function ipBatch(commands: readonly (readonly string[])[]): Promise<void> {
  if (commands.length === 0) return;
  for (const word of commands.flat()) {
    if (!/^[a-zA-Z0-9_.:/-]+$/.test(word))
      throw new DomainError('invalid', `${JSON.stringify(word)} cannot be a word for ip`);
  }
  await run('ip', ['-batch', '-'], { input: commands.map((words) => `${words.join(' ')}\n`).join('') });
}

const isOurs = (link: HostInterface, hwaddr: string) => link.type === 'bridge' && link.state.hwaddr === hwaddr;

function refuse(name: string): never {
  throw new DomainError(
    'exists',
    `The interface ${name} is there already and is not this network's: choose another name, or remove it`,
    { details: { field: 'name' } },
  );
}

/** `exists` when something that is not ours has the name. */
export async function refuseForeignBridge(stateId: string, ref: NetworkRef): Promise<void> {
  const link = await findHostInterface(interfaceName(ref.interfaceName));
  if (link && !isOurs(link, bridgeHwaddr(stateId, ref.id))) refuse(link.name);
}

const writeSysctl = (path: string, value: string) => writeFile(`/proc/sys/net/${path}`, value);
const readSysctl = async (path: string) => (await readFile(`/proc/sys/net/${path}`, 'utf8')).trim();

/** Turning forwarding on makes the kernel ignore router advertisements; interfaces that live on them are told to go on listening. */
async function enableIpv6Forwarding(): Promise<void> {
  if ((await readSysctl('ipv6/conf/all/forwarding')) === '1') return;
  for (const name of await readdir('/proc/sys/net/ipv6/conf')) {
    if (name === 'all' || name === 'lo') continue;
    if ((await readSysctl(`ipv6/conf/${name}/accept_ra`)) === '1')
      await writeSysctl(`ipv6/conf/${name}/accept_ra`, '2');
  }
  await writeSysctl('ipv6/conf/all/forwarding', '1');
}

async function ensureSysctls(name: string, spec: NetworkSpec): Promise<void> {
  if (spec.ipv4?.routing && (await readSysctl('ipv4/ip_forward')) !== '1') await writeSysctl('ipv4/ip_forward', '1');
  if (existsSync('/proc/sys/net/ipv6')) await ensureIpv6Sysctls(name, spec);
  else if (spec.ipv6) {
    throw new DomainError('unsupported', 'This host has no IPv6: set ipv6.address of the network to "none"', {
      details: { field: 'config.ipv6.address' },
    });
  }
}

async function ensureIpv6Sysctls(name: string, spec: NetworkSpec): Promise<void> {
  const own = `ipv6/conf/${name}`;
  await writeSysctl(`${own}/accept_ra`, '0');
  await writeSysctl(`${own}/autoconf`, '0');
  await writeSysctl(`${own}/accept_dad`, '0');
  await writeSysctl(`${own}/disable_ipv6`, spec.ipv6 ? '0' : '1');
  if (spec.ipv6?.routing) await enableIpv6Forwarding();
  // Forwarding of all interfaces has just been set, perhaps; this one answers for itself.
  await writeSysctl(`${own}/accept_ra`, '0');
}

/** Addresses that it has and shall not have, then those that it shall. Link-local ones are the kernel's. */
function addressCommands(name: string, link: HostInterface, spec: NetworkSpec): string[][] {
  const wanted = [spec.ipv4, spec.ipv6].flatMap((family) => (family ? [subnetOf(family.address)] : []));
  const wantedTexts = wanted.map((subnet) => `${subnet.address}/${subnet.prefix}`);
  const current = link.state.addresses
    .filter((address) => address.scope === 'global')
    .map((address) => `${address.address}/${address.netmask}`);
  return [
    ...current.filter((text) => !wantedTexts.includes(text)).map((text) => ['addr', 'del', text, 'dev', name]),
    ...wantedTexts
      .filter((text) => !current.includes(text))
      .map((text) => ['addr', 'replace', text, 'dev', name, ...(text.includes(':') ? ['nodad'] : [])]),
  ];
}

/** Makes the bridge, or brings it up to date; `members` are put into it when they are there and in no bridge. Returns whether it was made anew. */
export async function ensureBridge(stateId: string, spec: NetworkSpec, members: readonly string[]): Promise<boolean> {
  const name = interfaceName(spec.ref.interfaceName);
  const hwaddr = bridgeHwaddr(stateId, spec.ref.id);
  const before = await findHostInterface(name);
  if (before && !isOurs(before, hwaddr)) refuse(name);
  if (!before)
    await ipBatch([
      ['link', 'add', 'name', name, 'address', hwaddr, 'type', 'bridge', 'forward_delay', '0', 'stp_state', '0'],
    ]);
  await ensureSysctls(name, spec);
  // Looked at after the sysctls: turning IPv6 off takes its addresses away.
  const link = await findHostInterface(name);
  if (!link) throw new DomainError('internal', `The bridge ${name} vanished while it was set up`);
  const mtu = spec.mtu ?? 1500;
  await ipBatch([
    ...(link.state.mtu === mtu ? [] : [['link', 'set', 'dev', name, 'mtu', String(mtu)]]),
    ...addressCommands(name, link, spec),
    ...(link.state.state === 'up' ? [] : [['link', 'set', 'dev', name, 'up']]),
  ]);
  if (!before) await attach(name, members);
  return !before;
}

/** After a bridge was lost, ports of running instances are loose. */
async function attach(bridge: string, members: readonly string[]): Promise<void> {
  for (const member of members) {
    const link = await findHostInterface(interfaceName(member));
    if (link && link.master === null) await ipBatch([['link', 'set', 'dev', member, 'master', bridge]]);
  }
}

/** Absent is fine; one that is not ours is left alone. */
export async function removeBridge(stateId: string, ref: NetworkRef): Promise<void> {
  const link = await findHostInterface(interfaceName(ref.interfaceName));
  if (link && isOurs(link, bridgeHwaddr(stateId, ref.id)))
    await ipBatch([['link', 'delete', 'dev', link.name, 'type', 'bridge']]);
}

/** Absent is fine; what is no port of an instance is left alone. */
export async function removePortLink(hostName: string): Promise<void> {
  const name = interfaceName(hostName);
  if (!existsSync(`/sys/class/net/${name}`)) return;
  const link = await findHostInterface(name);
  if (link?.type !== 'veth') return;
  try {
    await ipBatch([['link', 'delete', 'dev', name, 'type', 'veth']]);
  } catch (error) {
    // The instance may have ended meanwhile.
    if (existsSync(`/sys/class/net/${name}`)) throw error;
  }
}

/** One file, no process. */
export async function bridgeIsThere(stateId: string, ref: NetworkRef): Promise<boolean> {
  const hwaddr = await readFile(`/sys/class/net/${interfaceName(ref.interfaceName)}/address`, 'utf8').catch(() => '');
  return hwaddr.trim() === bridgeHwaddr(stateId, ref.id);
}
