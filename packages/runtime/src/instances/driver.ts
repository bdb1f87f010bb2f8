import type { InstanceStatus, InstanceType, InterfaceState } from '@stapes/contract/instance';

/**
 * Life of an instance on the host, as a driver sees it:
 * `ensureConfigured` writes what it shall be (idempotent, any time) -> `ensureStarted` -> running -> `ensureStopped` -> stopped
 * -> `removeConfigured`. Nothing here is remembered in memory: a ref is plain data, so that a restarted server needs no handle.
 */
export interface InstanceRef {
  /** Minted by the server, `[a-z0-9]{8,26}`: names files, cgroups and the LXC container. Never the user's name. */
  id: string;
}

export interface IdmapRange {
  /** First uid and gid on the host. */
  hostBase: number;
  /** How many ids. */
  size: number;
}

export interface MountSpec {
  /** Host path (file or directory). */
  source: string;
  /** Absolute path in the instance; resolved beneath the rootfs. */
  target: string;
  readOnly: boolean;
  recursive: boolean;
  /** Must exist at start, else the start fails. */
  required: boolean;
  shift: boolean;
}

/** One NIC: the host side is a veth that the instance driver makes by this name and the network driver then attaches and filters. */
export interface NicSpec {
  /** Device name in the configuration (`eth0`). */
  device: string;
  /** Interface name inside. */
  name: string;
  /** Host end, at most 15 characters, minted. */
  hostName: string;
  hwaddr: string;
  mtu?: number;
  /** Bridge that LXC itself puts the host end into at start. */
  bridge: string;
}

export interface Limits {
  cpu?: { count: number } | { set: string };
  /** Soft share in percent (`50%`) or hard quota. */
  cpuAllowance?: { percent: number } | { quotaMs: number; periodMs: number };
  /** 0 to 10, 10 by default. */
  cpuPriority?: number;
  memoryBytes?: number;
  memoryEnforce?: 'hard' | 'soft';
  memorySwap?: boolean | { bytes: number };
  processes?: number;
  disk: {
    target: string;
    /** a host path on the backing device */ backing: string;
    readBps?: number;
    readIops?: number;
    writeBps?: number;
    writeIops?: number;
  }[];
  nic: { hostName: string; ingressBps?: number; egressBps?: number /** bits per second, seen from the instance */ }[];
}

/** All that a driver needs to make an instance: no configuration key survives to here, they have all become typed values. */
export interface MachineSpec {
  ref: InstanceRef;
  type: InstanceType;
  /** Host name inside. */
  hostname: string;
  /** Directory that holds the root file system (ids as inside; the driver shifts it by idmapped mount, or rewrites ids). */
  rootfs: string;
  /** Null means privileged. */
  idmap: IdmapRange | null;
  nesting: boolean;
  environment: Record<string, string>;
  mounts: MountSpec[];
  nics: NicSpec[];
  limits: Limits;
  /** `linux.sysctl.*`, `limits.kernel.*` and the like may follow in later versions. */
  apparmor: boolean;
}

export interface InstanceObservation {
  status: InstanceStatus;
  /** Host pid of init; 0 when stopped. */
  pid: number;
  /** Epoch ms; 0 when stopped. */
  startedAtMs: number;
}

/** One reading. Bytes, and nanoseconds of CPU time. */
export interface InstanceUsage {
  cpuNs: number;
  memoryBytes: number;
  memoryPeakBytes: number;
  memoryTotalBytes: number;
  swapBytes: number;
  swapPeakBytes: number;
  processes: number;
  network: Record<string, InterfaceState>;
}

export interface InstanceEvent {
  id: string;
  status: InstanceStatus;
}

export interface StopOptions {
  /** Ask the instance to shut down and wait so long; 0 kills at once. */
  graceMs: number;
  /** Kill when the grace has passed; otherwise throw `timeout` and leave it running. */
  force: boolean;
  signal?: AbortSignal;
}

/** What a command needs to run inside; the caller spawns it (with pipes or a pty) through `host/`. */
export interface ExecSpec {
  command: string[];
  environment: Record<string, string>;
  cwd?: string;
  uid?: number;
  gid?: number;
}
export interface HostCommand {
  file: string;
  args: string[];
  env: Record<string, string>;
}

export interface InstanceDriver {
  readonly type: InstanceType;
  readonly can: InstancePowers;
  /** Writes the configuration; never touches a running process. Refuses (`invalid`) anything that cannot be written safely. */
  ensureConfigured(spec: MachineSpec): Promise<void>;
  /** Removes configuration, logs and run-time traces; kills it first when it still runs. Absent is fine. */
  removeConfigured(ref: InstanceRef): Promise<void>;
  /** Returns when init runs. Throws with the last lines of the log when it does not. Running already is fine. */
  ensureStarted(ref: InstanceRef): Promise<void>;
  /** Returns when it is gone, cgroup and veths included. Stopped already is fine; a frozen one is thawed. */
  ensureStopped(ref: InstanceRef, options: StopOptions): Promise<void>;
  /** Freezes or thaws; repeats are fine. */
  ensureFrozen(ref: InstanceRef, frozen: boolean): Promise<void>;
  inspect(ref: InstanceRef): Promise<InstanceObservation>;
  /** All running (or frozen) instances of this state directory, without a spawn per instance. */
  inspectAll(): Promise<Map<string, InstanceObservation>>;
  /** Readings of many at once, straight from cgroup files and /proc; an id that is not running is absent from the answer. */
  usage(refs: InstanceRef[]): Promise<Map<string, InstanceUsage>>;
  /** Follows state changes until the signal aborts; restarts its own watcher when that dies and then reports what changed meanwhile. */
  watch(listener: (event: InstanceEvent) => void, signal: AbortSignal): Promise<void>;
}

/** Optional powers: a driver that cannot says null, and the UI and API read that. */
export interface InstancePowers {
  exec: { command(ref: InstanceRef, spec: ExecSpec): Promise<HostCommand> } | null;
  limits: { apply(ref: InstanceRef, limits: Limits): Promise<void> } | null;
  consoleLog: { read(ref: InstanceRef): Promise<Buffer>; clear(ref: InstanceRef): Promise<void> } | null;
  /** Command for a pty that is the text console. */
  console: { command(ref: InstanceRef): Promise<HostCommand> } | null;
  /** Names (bare) and contents of the driver's own logs of this instance. */
  logs: {
    list(ref: InstanceRef): Promise<string[]>;
    read(ref: InstanceRef, name: string): Promise<Buffer>;
    remove(ref: InstanceRef, name: string): Promise<void>;
  } | null;
  files: InstanceFiles | null;
  /** Plugs mounts and NICs into a running instance, and out of it. */
  hotplug: InstanceHotplug | null;
}

export interface InstanceHotplug {
  /**
   * Brings mounts, NICs and limits of NICs of a running instance to those of `spec`, from those that it has now; what did not change is left alone. They
   * survive a reboot from inside. Ports and filters of new NICs must be there before. Throws `wrong-state` when it is not running.
   */
  change(spec: MachineSpec): Promise<HotplugRefusal[]>;
}
/** What has to wait for the next start, and why. */
export interface HotplugRefusal {
  kind: 'mount' | 'nic';
  /** Target of the mount, device of the NIC. */
  subject: string;
  reason: string;
}

export interface FileEntry {
  type: 'file' | 'directory' | 'symlink';
  uid: number;
  gid: number;
  mode: number;
  size: number;
  modifiedMs: number;
  /** Names, for a directory. */
  entries?: string[];
  /** For a symlink. */
  target?: string;
}
export interface FileTarget {
  ref: InstanceRef;
  /** Root of the file system on the host while it is stopped; ids there are as inside. */
  rootfs: string;
  idmap: IdmapRange | null;
  /** Absolute path inside; resolved beneath the root, symlinks included. */
  path: string;
}
/** Files of an instance, running or stopped, opened beneath a directory descriptor (openat2 RESOLVE_IN_ROOT), regular files only. */
export interface InstanceFiles {
  stat(target: FileTarget): Promise<FileEntry>;
  read(target: FileTarget): Promise<{ entry: FileEntry; stream: NodeJS.ReadableStream | null }>;
  /** uid, gid and mode apply only to a new file. */
  write(
    target: FileTarget,
    content: NodeJS.ReadableStream,
    options: { append: boolean; uid?: number; gid?: number; mode?: number },
  ): Promise<void>;
  makeDirectory(target: FileTarget, options: { uid?: number; gid?: number; mode?: number }): Promise<void>;
  makeSymlink(target: FileTarget, linkTarget: string, options: { uid?: number; gid?: number }): Promise<void>;
  remove(target: FileTarget, options: { recursive: boolean }): Promise<void>;
}
