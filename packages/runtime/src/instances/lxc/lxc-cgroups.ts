import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { parseProcessCgroups, readCgroupLayout, type CgroupLayout } from '../../host/cgroup.ts';
import { writeCpus } from './cpuset.ts';
import type { CgroupSetting } from './limit-settings.ts';

/** The cgroups of one running instance: what init's own `/proc/PID/cgroup` says, without the namespace part below which it cannot see. */
export class InstanceCgroups {
  private readonly layout: CgroupLayout;
  private readonly paths: Map<string, string>;
  private readonly directories = new Map<string, string | null>();

  constructor(layout: CgroupLayout, processCgroups: string, cgroup: string) {
    this.layout = layout;
    this.paths = new Map();
    for (const [controller, path] of parseProcessCgroups(processCgroups)) {
      const at = `${path}/`.indexOf(`/${cgroup}/`);
      if (at >= 0) this.paths.set(controller, path.slice(0, at + cgroup.length + 1));
    }
  }

  /** Directory that holds a controller's limits, or null when the instance has none there. */
  directory(controller: string): string | null {
    const known = this.directories.get(controller);
    if (known !== undefined) return known;
    const v1 = this.layout.v1.get(controller);
    const path = this.paths.get(v1 === undefined ? '' : controller);
    const mount = v1 ?? this.layout.v2;
    const found = path === undefined || mount === null ? null : join(mount, path);
    this.directories.set(controller, found);
    return found;
  }

  /** Null when there is no such file. */
  read(controller: string, file: string): string | null {
    const directory = this.directory(controller);
    return directory === null ? null : readText(`${directory}/${file}`);
  }

  write(setting: CgroupSetting): void {
    const directory = this.directory(
      setting.controller === 'io' && setting.version === 1 ? 'blkio' : setting.controller,
    );
    const path = directory === null ? null : join(directory, setting.file);
    if (path === null || !existsSync(path)) {
      if (setting.optional || setting.reset) return;
      throw new DomainError(
        'unsupported',
        `This host has no ${setting.file}: the ${setting.controller} cgroup controller is not available`,
      );
    }
    try {
      if (setting.file === 'cpuset.cpus' && setting.version === 1) writeCpus(dirname(path), setting.value);
      else writeFileSync(path, setting.value);
    } catch (cause) {
      if (setting.reset && setting.optional) return;
      const code = (cause as NodeJS.ErrnoException).code;
      throw new DomainError(
        code === 'EBUSY' ? 'in-use' : 'invalid',
        `The kernel refused ${setting.value} for ${setting.file} (${code}): it may be below what is used now`,
        { cause },
      );
    }
  }

  get frozen(): boolean {
    if (this.layout.v1.has('freezer')) return /^(FROZEN|FREEZING)/.test(this.read('freezer', 'freezer.state') ?? '');
    return /^frozen 1$/m.test(this.read('', 'cgroup.events') ?? '');
  }

  /** Unlike `frozen`, false while the kernel still catches processes. */
  get fullyFrozen(): boolean {
    return this.layout.v1.has('freezer') ? this.read('freezer', 'freezer.state')?.trim() === 'FROZEN' : this.frozen;
  }

  freeze(frozen: boolean): void {
    if (this.layout.v1.has('freezer'))
      this.write({ controller: 'freezer', version: 1, file: 'freezer.state', value: frozen ? 'FROZEN' : 'THAWED' });
    else this.write({ controller: '', version: 2, file: 'cgroup.freeze', value: frozen ? '1' : '0' });
  }
}

const absent = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP', 'EIO']);
const smallBytes = 4096;

/** A file of the kernel's (cgroup, /proc), most of them tiny: three system calls. Null when it is not there (any more). */
export function readText(path: string): string | null {
  let fd: number | null = null;
  try {
    fd = openSync(path, 'r');
    const buffer = Buffer.allocUnsafe(smallBytes);
    const length = readSync(fd, buffer, 0, smallBytes, null);
    // The kernel ends a reading early when the next line does not fit: only a short one is surely whole.
    return length < smallBytes / 2 ? buffer.toString('utf8', 0, length) : readFileSync(path, 'utf8');
  } catch (error) {
    if (absent.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** Every place where cgroups of this name can lie: LXC puts them below the base of init or of the process that started it. */
function places(cgroup: string): string[] {
  const layout = readCgroupLayout();
  const bases = ['/proc/self/cgroup', '/proc/1/cgroup'].map((file) => parseProcessCgroups(readText(file) ?? ''));
  const found = new Set<string>();
  const add = (mount: string, controller: string) => {
    for (const base of ['/', ...bases.map((map) => map.get(controller) ?? '/')]) found.add(join(mount, base, cgroup));
  };
  for (const [controller, mount] of layout.v1) add(mount, controller);
  if (layout.v2 !== null) add(layout.v2, '');
  return [...found].filter((path) => existsSync(path));
}

/** Processes that are in a cgroup of this name or below. */
export function processesIn(cgroup: string): number[] {
  const found = new Set<number>();
  for (const place of places(cgroup))
    walk(place, (directory) =>
      (readText(join(directory, 'cgroup.procs')) ?? '')
        .split('\n')
        .forEach((pid) => Number(pid) > 0 && found.add(Number(pid))),
    );
  return [...found];
}

export function cgroupExists(cgroup: string): boolean {
  return places(cgroup).length > 0;
}

/** Removes empty cgroups of this name, deepest first; what is not empty stays. */
export function removeCgroup(cgroup: string): void {
  for (const place of places(cgroup))
    walk(place, (directory) => {
      try {
        rmdirSync(directory);
      } catch {
        // Not empty yet, or gone already: the caller looks again.
      }
    });
}

/** Children first. A cgroup may vanish while it is walked. */
function walk(directory: string, visit: (directory: string) => void): void {
  let children: string[];
  try {
    children = readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return;
  }
  for (const child of children) walk(join(directory, child), visit);
  visit(directory);
}
