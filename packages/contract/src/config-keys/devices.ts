import { poolNameSchema } from '../names.ts';
import { bits, bool, bytes, declareKeys, type ConfigKey } from './declare.ts';
import {
  checkAbsolutePath,
  checkDiskRate,
  checkHwaddr,
  checkInterfaceName,
  checkIpv4,
  checkIpv6,
} from './value-checks.ts';

const path = { kind: 'custom', check: checkAbsolutePath, hint: '/srv/data' } as const;
const rate = { kind: 'custom', check: checkDiskRate, hint: '10MiB or 500iops' } as const;
const interfaceName = { kind: 'custom', check: checkInterfaceName, hint: 'eth0' } as const;
const checkPool = (value: string) => poolNameSchema.safeParse(value).error?.issues[0]?.message ?? null;

const disk = declareKeys({ scope: 'device-disk', group: 'disk', live: true }, [
  { key: 'path', type: path, required: true, live: false, short: 'Where it is in the instance; "/" is the root disk.' },
  { key: 'source', type: path, live: false, short: 'File or directory of the host.' },
  {
    key: 'pool',
    type: { kind: 'custom', check: checkPool, hint: 'default' },
    live: false,
    short: 'Storage pool of the root disk.',
  },
  { key: 'readonly', type: bool, default: 'false', live: false, short: 'Nothing can be written to it from inside.' },
  {
    key: 'required',
    type: bool,
    default: 'true',
    live: false,
    short: 'The instance does not start when the source is missing.',
  },
  {
    key: 'recursive',
    type: bool,
    default: 'false',
    live: false,
    short: 'Whatever is mounted below the source comes with it.',
  },
  {
    key: 'shift',
    type: bool,
    default: 'false',
    live: false,
    short: 'Ids in it are shown as inside, so that both sides own the same files.',
  },
  { key: 'size', type: bytes, short: 'Size of the root disk.' },
  { key: 'limits.read', type: rate, short: 'Most that is read a second, in bytes or operations (iops).' },
  { key: 'limits.write', type: rate, short: 'Most that is written a second, in bytes or operations (iops).' },
  { key: 'limits.max', type: rate, short: 'Both limits at once.' },
]);

const nic = declareKeys({ scope: 'device-nic', group: 'nic_bridged', live: true }, [
  {
    key: 'nictype',
    type: { kind: 'enum', values: ['bridged'] },
    live: false,
    short: 'Kind of NIC when it is given a parent and no network.',
  },
  { key: 'network', type: interfaceName, live: false, short: 'Managed network that it is in.' },
  {
    key: 'parent',
    type: interfaceName,
    live: false,
    short: 'Bridge of the host that it is in, when that is not a managed network.',
  },
  {
    key: 'name',
    type: interfaceName,
    default: '(eth0, eth1, ...)',
    live: false,
    short: 'What the interface is called inside.',
  },
  {
    key: 'host_name',
    type: interfaceName,
    default: '(chosen)',
    live: false,
    short: 'What the interface is called on the host.',
  },
  {
    key: 'hwaddr',
    type: { kind: 'custom', check: checkHwaddr, hint: '10:66:6a:12:34:56' },
    default: '(chosen)',
    live: false,
    short: 'Hardware address.',
  },
  {
    key: 'mtu',
    type: { kind: 'integer', min: 68, max: 65535 },
    default: '(that of the bridge)',
    live: false,
    short: 'Largest packet.',
  },
  {
    key: 'ipv4.address',
    type: { kind: 'custom', check: checkIpv4, hint: '10.1.2.3' },
    short: 'IPv4 address that DHCP always gives it.',
  },
  {
    key: 'ipv6.address',
    type: { kind: 'custom', check: checkIpv6, hint: 'fd42:1:2:3::10' },
    short: 'IPv6 address that DHCP always gives it; the network needs stateful DHCP.',
  },
  { key: 'limits.ingress', type: bits, short: 'Most that it receives, in bits per second.' },
  { key: 'limits.egress', type: bits, short: 'Most that it sends, in bits per second.' },
  { key: 'limits.max', type: bits, short: 'Both limits at once.' },
  {
    key: 'security.mac_filtering',
    type: bool,
    default: 'false',
    short: 'Drop packets that claim to come from another hardware address.',
  },
  {
    key: 'security.ipv4_filtering',
    type: bool,
    default: 'false',
    short: 'Drop packets that claim to come from another IPv4 address.',
  },
  {
    key: 'security.ipv6_filtering',
    type: bool,
    default: 'false',
    short: 'Drop packets that claim to come from another IPv6 address.',
  },
  {
    key: 'security.port_isolation',
    type: bool,
    default: 'false',
    short: 'Keep it from other isolated NICs of the same bridge.',
  },
]);

export const deviceKeys: readonly ConfigKey[] = [...disk, ...nic];
