import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { readCgroupLayout, type CgroupLayout } from '../../host/cgroup.ts';
import { mapBounded } from '../../host/bounded.ts';
import type { InstanceObservation, InstanceRef } from '../driver.ts';
import { askMonitor, lxcCommand, lxcStates } from './lxc-command.ts';
import { InstanceCgroups, readText } from './lxc-cgroups.ts';
import type { LxcPaths } from './lxc-paths.ts';

/** A running init: only a shortcut that is checked against /proc at each use, never a truth of its own. */
export interface RunningInit {
  pid: number;
  startTicks: string;
  startedAtMs: number;
  cgroups: InstanceCgroups;
}

export const stopped: InstanceObservation = { status: 'Stopped', pid: 0, startedAtMs: 0 };

/** Looks at the host: LXC's monitor answers for its container, and /proc for its init. No process is ever spawned. */
export class LxcObserver {
  private readonly paths: LxcPaths;
  private readonly known = new Map<string, RunningInit>();
  private readonly bootTimeMs: number;
  readonly layout: CgroupLayout;

  constructor(paths: LxcPaths) {
    this.paths = paths;
    this.layout = readCgroupLayout();
    // Not `btime` of /proc/stat, which is cut to whole seconds.
    this.bootTimeMs =
      Math.round((Date.now() - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000) / 10) * 10;
  }

  async inspect(ref: InstanceRef): Promise<InstanceObservation> {
    const shortcut = this.recall(ref);
    if (shortcut) return this.describe(shortcut);
    const socket = this.paths.commandSocket(ref);
    const state = await askMonitor(socket, lxcCommand.getState);
    if (state === 'gone') return stopped;
    // A monitor serves nobody while it sets up or takes down.
    if (state === 'mute') return { ...stopped, status: 'Starting' };
    switch (lxcStates[state.value]) {
      case 'STOPPING':
      case 'ABORTING':
        return { ...stopped, status: 'Stopping' };
      case 'STOPPED': // the monitor lives: it is between two lives, as in a reboot
      case 'STARTING':
        return { ...stopped, status: 'Starting' };
      default:
        return this.learn(ref, socket);
    }
  }

  private async learn(ref: InstanceRef, socket: string): Promise<InstanceObservation> {
    const answer = await askMonitor(socket, lxcCommand.getInitPid);
    if (answer === 'gone') return stopped;
    if (answer === 'mute' || answer.value <= 0) return { ...stopped, status: 'Stopping' };
    const pid = answer.value;
    const startTicks = processStart(pid);
    const cgroups = readText(`/proc/${pid}/cgroup`);
    if (startTicks === null || cgroups === null) return { ...stopped, status: 'Stopping' };
    const init = {
      pid,
      startTicks,
      startedAtMs: this.bootTimeMs + Number(startTicks) * 10,
      cgroups: new InstanceCgroups(this.layout, cgroups, this.paths.cgroup(ref)),
    };
    this.known.set(ref.id, init);
    return this.describe(init);
  }

  private describe(init: RunningInit): InstanceObservation {
    return { status: init.cgroups.frozen ? 'Frozen' : 'Running', pid: init.pid, startedAtMs: init.startedAtMs };
  }

  private recall(ref: InstanceRef): RunningInit | null {
    const init = this.known.get(ref.id);
    if (!init) return null;
    if (processStart(init.pid) === init.startTicks) return init;
    this.known.delete(ref.id);
    return null;
  }

  forget(ref: InstanceRef): void {
    this.known.delete(ref.id);
  }

  /** The running init, asked for again when it is not known. */
  async findInit(ref: InstanceRef): Promise<RunningInit | null> {
    const known = this.recall(ref);
    if (known) return known;
    await this.inspect(ref);
    return this.recall(ref);
  }

  async inspectAll(): Promise<Map<string, InstanceObservation>> {
    const found = new Map<string, InstanceObservation>();
    const refs = (await this.liveIds()).map((id) => ({ id }));
    await mapBounded(refs, 32, async (ref) => {
      const seen = await this.inspect(ref);
      if (seen.status !== 'Stopped') found.set(ref.id, seen);
    });
    for (const id of this.known.keys()) if (!found.has(id)) this.known.delete(id);
    return found;
  }

  /** Instances of this state directory whose monitor listens: one reading of the kernel's socket table. */
  private async liveIds(): Promise<string[]> {
    const names = await readdir(this.paths.lxcPath).catch(() => []);
    const table = new Set<string>();
    for (const line of readFileSync('/proc/net/unix', 'utf8').split('\n')) {
      const at = line.indexOf(' @');
      if (at > 0) table.add(line.slice(at + 2));
    }
    return names.filter((id) => /^[a-z0-9]{8,26}$/.test(id) && table.has(this.paths.commandSocket({ id })));
  }
}

/** Start time in clock ticks since boot: with the pid, it names a process for good. Null when it is gone or a zombie. */
export function processStart(pid: number): string | null {
  const stat = readText(`/proc/${pid}/stat`);
  // The command name may contain anything, so count from its closing parenthesis.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return !fields || fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}
