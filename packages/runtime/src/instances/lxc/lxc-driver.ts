import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { DomainError } from '@stapes/contract/errors';
import { IdmappedMounts } from '../../host/idmapped-mounts.ts';
import { KeyedLock } from '../../host/keyed-lock.ts';
import { stateId } from '../../host/state-id.ts';
import type { InstanceDriver, InstancePowers, InstanceRef, Limits, MachineSpec } from '../driver.ts';
import { CpuBalance } from './cpu-balance.ts';
import { removeCgroup } from './lxc-cgroups.ts';
import { escapeMountPath, serializeConf } from './lxc-conf.ts';
import type { HostAbilities } from './lxc-config.ts';
import { consoleLogPower, consolePower, execCommand, logsPower } from './lxc-exec.ts';
import { lxcFiles } from './lxc-files.ts';
import { LxcHotplug } from './lxc-hotplug.ts';
import { applyLimits, hostLimitSettings, usableCpus } from './lxc-limits.ts';
import { applyNicLimits, removeNicLimits } from './nic-limits.ts';
import { LxcObserver } from './lxc-observer.ts';
import { LxcPaths } from './lxc-paths.ts';
import { replaceFile, startInstance, writeConfig, type StartContext } from './lxc-start.ts';
import { clearTraces, stopInstance, type StopContext } from './lxc-stop.ts';
import { LxcUsage } from './lxc-usage.ts';
import { announce, LxcWatcher } from './lxc-watch.ts';
import { unstageReadOnlyDisks } from './read-only-disks.ts';
import { shiftRootfs } from './shift.ts';

export interface LxcDriverOptions {
  /** Absolute; must exist. */
  stateDir: string;
}

/** System containers on LXC. Everything durable lies in `$stateDir/instances/ID`; what runs is asked of LXC's monitors and the kernel. */
export function createLxcDriver({ stateDir }: LxcDriverOptions): InstanceDriver {
  const paths = new LxcPaths(stateDir, stateId(stateDir));
  const observer = new LxcObserver(paths);
  const usage = new LxcUsage(observer);
  const idmapped = new IdmappedMounts();
  const locks = new KeyedLock();

  const findSpec = async (ref: InstanceRef): Promise<MachineSpec | null> => {
    const text = await readFile(paths.spec(ref), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    return text === null ? null : (JSON.parse(text) as MachineSpec);
  };
  const stopContext: StopContext = {
    paths,
    observer,
    locks,
    hostNames: async (ref) => ((await findSpec(ref))?.nics ?? []).map((nic) => nic.hostName),
  };
  const balance = new CpuBalance({ observer, findLimit: async (ref) => (await findSpec(ref))?.limits.cpu });
  const hotplug = new LxcHotplug({ paths, observer, locks, findSpec });
  const startContext: StartContext = {
    paths,
    observer,
    readSpec: async (ref) => {
      const spec = await findSpec(ref);
      if (!spec) throw new DomainError('not-found', 'The instance has no configuration on this host');
      return spec;
    },
    // A root file system that is not there yet is judged at start, where its absence is an error.
    abilities: async (spec) => ({
      idmappedRootfs: spec.idmap !== null && (!existsSync(spec.rootfs) || (await idmapped.supports(spec.rootfs))),
      ...confinementAbilities(),
    }),
    limitSettings: (spec, isStart) =>
      hostLimitSettings(
        observer,
        spec.limits,
        isStart ? balance.choose(spec.ref, spec.limits.cpu) : usableCpus(observer),
      ),
    shiftRootfs: async (spec, abilities) => shiftRootfs(spec.rootfs, abilities.idmappedRootfs ? null : spec.idmap),
    clearTraces: (ref) => clearTraces(stopContext, ref),
    forgetPlugged: (ref) => hotplug.forget(ref),
  };

  /** A reboot from inside makes new veths, without their limits. What goes wrong here shows when limits are applied next. */
  const limitNewNics = async (ref: InstanceRef): Promise<void> => {
    const limited = ((await findSpec(ref).catch(() => null))?.limits.nic ?? []).filter(isLimited);
    if (limited.length > 0) await locks.run(ref.id, () => applyNicLimits(limited)).catch(() => undefined);
  };

  /** What goes wrong here shows when a device is changed next. */
  const settle = (ref: InstanceRef) => hotplug.settle(ref).catch(() => undefined);

  /** One that ended by itself. */
  const releaseDisks = (ref: InstanceRef) =>
    locks.run(ref.id, async () => {
      if ((await observer.inspect(ref)).status === 'Stopped') unstageReadOnlyDisks(paths.readOnlyDisks(ref));
    });

  return {
    type: 'container',
    can: {
      exec: { command: (ref, spec) => execCommand(paths, observer, ref, spec) },
      limits: limitsPower(observer, balance),
      consoleLog: consoleLogPower(paths),
      console: consolePower(paths, observer),
      logs: logsPower(paths),
      files: lxcFiles(observer),
      hotplug: { change: (spec) => hotplug.change(spec) },
    },
    async ensureConfigured(spec) {
      refuseUnsafeMounts(spec);
      await mkdir(paths.lxcPath, { recursive: true, mode: 0o711 });
      // Init, which has no rights of its own on the host, must pass through here to its root file system.
      await mkdir(paths.directory(spec.ref), { recursive: true, mode: 0o711 });
      await writeConfig(startContext, { ...spec, mounts: [] }, await startContext.abilities(spec));
      await replaceFile(paths.spec(spec.ref), JSON.stringify(spec));
    },
    async removeConfigured(ref) {
      await stopInstance(stopContext, ref, { graceMs: 0, force: true });
      balance.soon();
      await removeAllNicLimits(await findSpec(ref));
      await locks.run(ref.id, async () => {
        await rm(paths.directory(ref), { recursive: true, force: true });
        await rm(paths.lockFile(ref), { force: true });
      });
      // Only when it was the last one: a cgroup with children stays.
      if ((await readdir(paths.lxcPath).catch(() => [])).length === 0) removeCgroup(paths.cgroupRoot);
    },
    ensureStarted: (ref) =>
      locks.run(ref.id, async () => {
        await startInstance(startContext, ref);
        balance.soon();
        await applyNicLimits((await startContext.readSpec(ref)).limits.nic.filter(isLimited));
      }),
    async ensureStopped(ref, options) {
      await stopInstance(stopContext, ref, options);
      balance.soon();
      await removeAllNicLimits(await findSpec(ref));
    },
    async ensureFrozen(ref, frozen) {
      const init = await observer.findInit(ref);
      if (!init) throw new DomainError('wrong-state', 'The instance is not running');
      init.cgroups.freeze(frozen);
      await untilFrozen(init.cgroups, frozen);
      await announce(paths, ref, frozen ? 'FROZEN' : 'RUNNING');
    },
    inspect: (ref) => observer.inspect(ref),
    inspectAll: () => observer.inspectAll(),
    usage: (refs) => usage.read(refs),
    watch(listener, signal) {
      balance.soon();
      // Those that were rebooted while nobody watched.
      void observer
        .inspectAll()
        .then((all) => all.forEach((_seen, id) => void settle({ id })))
        .catch(() => undefined);
      return new LxcWatcher(paths, observer, (event) => {
        if (event.status === 'Running' || event.status === 'Stopped') balance.soon();
        if (event.status === 'Running') void settle(event).then(() => limitNewNics(event));
        if (event.status === 'Stopped') void releaseDisks(event).catch(() => undefined);
        listener(event);
      }).follow(signal);
    },
  };
}

function limitsPower(observer: LxcObserver, balance: CpuBalance): InstancePowers['limits'] {
  return {
    async apply(ref, limits) {
      await applyLimits(observer, ref, limits, balance.choose(ref, limits.cpu));
      balance.soon();
    },
  };
}

function isLimited(nic: Limits['nic'][number]): boolean {
  return nic.ingressBps !== undefined || nic.egressBps !== undefined;
}

async function removeAllNicLimits(spec: MachineSpec | null): Promise<void> {
  for (const nic of spec?.limits.nic ?? []) if (nic.egressBps !== undefined) await removeNicLimits(nic.hostName);
}

/** The other values are checked as they are written; mounts only come into the configuration at start. */
function refuseUnsafeMounts(spec: MachineSpec): void {
  for (const { source, target } of spec.mounts)
    serializeConf([{ key: 'lxc.mount.entry', value: `${escapeMountPath(source)}:${escapeMountPath(target)}` }]);
}

async function untilFrozen(cgroups: { fullyFrozen: boolean }, frozen: boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (cgroups.fullyFrozen !== frozen) {
    if (Date.now() > deadline)
      throw new DomainError('timeout', `The instance could not be ${frozen ? 'frozen' : 'thawed'} within 10 s`);
    await new Promise((done) => setTimeout(done, 2));
  }
}

/** AppArmor counts when the kernel enforces it and its parser is there to load profiles; lxcfs when its file system really answers. */
function confinementAbilities(): Omit<HostAbilities, 'idmappedRootfs'> {
  const enabled = existsSync('/sys/kernel/security/apparmor/profiles') && existsSync('/sbin/apparmor_parser');
  return { apparmor: enabled, lxcfsProc: lxcfsFiles() };
}

function lxcfsFiles(): string[] {
  try {
    const mounted = / \/var\/lib\/lxcfs [^-]*- fuse\.lxcfs /.test(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (!mounted) return [];
    readFileSync('/var/lib/lxcfs/proc/uptime');
    const wanted = new Set(['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'slabinfo', 'stat', 'swaps', 'uptime']);
    return readdirSync('/var/lib/lxcfs/proc').filter((name) => wanted.has(name));
  } catch {
    // A dead lxcfs leaves a mount on which every call fails: then instances do without.
    return [];
  }
}
