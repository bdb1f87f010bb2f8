import type { MachineSpec, MountSpec, NicSpec } from '../driver.ts';
import type { CgroupSetting } from './limit-settings.ts';
import { escapeMountPath, type ConfEntry } from './lxc-conf.ts';

/** What the host can do, each tried and not guessed. */
export interface HostAbilities {
  idmappedRootfs: boolean;
  apparmor: boolean;
  /** Files of lxcfs's proc folder, when it runs. */
  lxcfsProc: readonly string[];
}

export interface ConfigPaths {
  logFile: string;
  consoleLog: string;
  cgroup: string;
  monitorCgroup: string;
}

/** A mount whose target was already resolved beneath the root file system. */
export type ResolvedMount = MountSpec & { isFile: boolean; idmapped: boolean };

const consoleBytes = 1024 * 1024;
const droppedCapabilities = ['mac_admin', 'mac_override', 'sys_time', 'sys_module', 'sys_rawio'];
/** null, zero, full, tty, console, ptmx, random, urandom, pts; fuse and tun, which are safe in a user namespace. */
const allowedDevices = [
  'c *:* m',
  'b *:* m',
  'c 1:3 rwm',
  'c 1:5 rwm',
  'c 1:7 rwm',
  'c 5:0 rwm',
  'c 5:1 rwm',
  'c 5:2 rwm',
  'c 1:8 rwm',
  'c 1:9 rwm',
  'c 136:* rwm',
  'c 10:229 rwm',
  'c 10:200 rwm',
];

/** Everything LXC needs to run the machine, in the order in which LXC shall read it. */
export function lxcConfig(
  spec: MachineSpec,
  paths: ConfigPaths,
  host: HostAbilities,
  resolved: { mounts: ResolvedMount[]; limits: CgroupSetting[] },
): ConfEntry[] {
  const entries: ConfEntry[] = [];
  const set = (key: string, value: string | number) => entries.push({ key: `lxc.${key}`, value: String(value) });
  set('uts.name', spec.hostname);
  set('rootfs.path', `dir:${spec.rootfs}`);
  if (spec.idmap) {
    if (host.idmappedRootfs) set('rootfs.options', 'idmap=container');
    set('idmap', `u 0 ${spec.idmap.hostBase} ${spec.idmap.size}`);
    set('idmap', `g 0 ${spec.idmap.hostBase} ${spec.idmap.size}`);
  }
  set('init.cmd', '/sbin/init');
  set('cgroup.dir.container', paths.cgroup);
  set('cgroup.dir.container.inner', 'ns');
  set('cgroup.dir.monitor', paths.monitorCgroup);
  set('log.file', paths.logFile);
  set('log.level', 'WARN');
  set('console.logfile', paths.consoleLog);
  set('console.buffer.size', consoleBytes);
  set('console.size', consoleBytes);
  set('tty.max', 0);
  set('pty.max', 1024);
  set('autodev', 1);
  confinement(spec, host, set);
  baseMounts(spec, host, set);
  for (const mount of resolved.mounts) set('mount.entry', mountEntry(mount));
  spec.nics.forEach((nic, index) => nicEntries(nic, index, set));
  for (const [name, value] of Object.entries(spec.environment)) set('environment', `${name}=${value}`);
  for (const limit of resolved.limits)
    if (!limit.reset) set(`${limit.version === 1 ? 'cgroup' : 'cgroup2'}.${limit.file}`, limit.value);
  return entries;
}

type Set = (key: string, value: string | number) => void;

function confinement(spec: MachineSpec, host: HostAbilities, set: Set): void {
  set('cap.drop', droppedCapabilities.join(' '));
  set('seccomp.profile', '/usr/share/lxc/config/common.seccomp');
  if (host.apparmor) {
    set('apparmor.profile', spec.apparmor ? 'generated' : 'unconfined');
    if (spec.apparmor && spec.nesting) set('apparmor.allow_nesting', 1);
  }
  for (const version of ['cgroup', 'cgroup2']) {
    set(`${version}.devices.deny`, 'a');
    for (const device of allowedDevices) set(`${version}.devices.allow`, device);
  }
}

function baseMounts(spec: MachineSpec, host: HostAbilities, set: Set): void {
  // In a user namespace the kernel itself guards /proc and /sys; nesting needs full ones to be mountable again inside.
  const access = spec.nesting ? 'rw' : 'mixed';
  set('mount.auto', `proc:${access} sys:${access} cgroup:mixed`);
  set('mount.entry', '/dev/fuse dev/fuse none bind,create=file,optional 0 0');
  set('mount.entry', '/dev/net/tun dev/net/tun none bind,create=file,optional 0 0');
  set('mount.entry', 'mqueue dev/mqueue mqueue rw,relatime,create=dir,optional 0 0');
  if (spec.nesting) {
    set('mount.entry', 'proc dev/.lxc/proc proc create=dir,optional 0 0');
    set('mount.entry', 'sys dev/.lxc/sys sysfs create=dir,optional 0 0');
  }
  for (const file of host.lxcfsProc)
    set('mount.entry', `/var/lib/lxcfs/proc/${file} proc/${file} none bind,optional 0 0`);
}

function mountEntry(mount: ResolvedMount): string {
  const options = [
    mount.recursive ? 'rbind' : 'bind',
    ...(mount.readOnly ? ['ro'] : []),
    `create=${mount.isFile ? 'file' : 'dir'}`,
    ...(mount.required ? [] : ['optional']),
    ...(mount.idmapped ? ['idmap=container'] : []),
  ];
  return `${escapeMountPath(mount.source)} ${escapeMountPath(mount.target.replace(/^\/+/, ''))} none ${options.join(',')} 0 0`;
}

function nicEntries(nic: NicSpec, index: number, set: Set): void {
  const key = (name: string) => `net.${index}.${name}`;
  set(key('type'), 'veth');
  set(key('link'), nic.bridge);
  set(key('name'), nic.name);
  set(key('veth.pair'), nic.hostName);
  set(key('hwaddr'), nic.hwaddr);
  if (nic.mtu !== undefined) set(key('mtu'), nic.mtu);
  set(key('flags'), 'up');
}
