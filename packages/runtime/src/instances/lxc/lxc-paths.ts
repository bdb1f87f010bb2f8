import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import type { InstanceRef } from '../driver.ts';

/** Where everything of one instance lies. Only minted ids become names on disk. */
export class LxcPaths {
  readonly lxcPath: string;
  readonly cgroupRoot: string;

  constructor(stateDir: string, id: string) {
    this.lxcPath = join(stateDir, 'instances');
    this.cgroupRoot = `stapes-${id}`;
  }

  directory(ref: InstanceRef): string {
    return join(this.lxcPath, checkId(ref.id));
  }
  config(ref: InstanceRef): string {
    return join(this.directory(ref), 'config');
  }
  log(ref: InstanceRef): string {
    return join(this.directory(ref), 'lxc.log');
  }
  consoleLog(ref: InstanceRef): string {
    return join(this.directory(ref), 'console.log');
  }
  spec(ref: InstanceRef): string {
    return join(this.directory(ref), 'machine.json');
  }
  /** What was plugged in or out since it started. */
  plugged(ref: InstanceRef): string {
    return join(this.directory(ref), 'plugged.json');
  }
  /** Read-only views of disks are mounted here, for LXC to take them from. */
  readOnlyDisks(ref: InstanceRef): string {
    return join(this.directory(ref), 'disks');
  }
  /** Relative to a controller's root; limits live here, and the instance sees only the child `ns`. */
  cgroup(ref: InstanceRef): string {
    return `${this.cgroupRoot}/${checkId(ref.id)}`;
  }
  monitorCgroup(ref: InstanceRef): string {
    return `${this.cgroupRoot}/${checkId(ref.id)}.monitor`;
  }
  /** Abstract name on which LXC's monitor process of this instance answers. */
  commandSocket(ref: InstanceRef): string {
    return commandSocketName(this.lxcPath, checkId(ref.id));
  }
  /** To which LXC writes state changes when somebody reads it. */
  get monitorFifo(): string {
    return join('/run/lxc', this.lxcPath, 'monitor-fifo');
  }
  lockFile(ref: InstanceRef): string {
    return join('/run/lxc/lock', this.lxcPath, `.${checkId(ref.id)}`);
  }
}

export function checkId(id: string): string {
  if (!/^[a-z0-9]{8,26}$/.test(id)) throw new DomainError('invalid', 'Not an instance id');
  return id;
}

/** LXC writes the path out when it fits into a socket address, and its 64-bit FNV-1a hash otherwise. */
export function commandSocketName(lxcPath: string, id: string): string {
  const plain = `${lxcPath}/${id}/command`;
  if (Buffer.byteLength(plain) < 106) return plain;
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(`${lxcPath}/${id}`)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return `lxc/${hash.toString(16).padStart(16, '0')}/command`;
}
