import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { DomainError } from '@stapes/contract/errors';
import type { KeyedLock } from '../../host/keyed-lock.ts';
import type { HotplugRefusal, InstanceRef, MachineSpec, MountSpec, NicSpec } from '../driver.ts';
import { openGuestRoot } from './guest-root.ts';
import type { LxcObserver, RunningInit } from './lxc-observer.ts';
import type { LxcPaths } from './lxc-paths.ts';
import { replaceFile } from './lxc-start.ts';
import { plugMount, unplugMount, type MountGuest } from './mount-plug.ts';
import { plugNic, unplugNic } from './nic-plug.ts';

interface Parts {
  paths: LxcPaths;
  observer: LxcObserver;
  locks: KeyedLock;
  findSpec(ref: InstanceRef): Promise<MachineSpec | null>;
}

/** In which LXC's own configuration, which a reboot from inside goes by, is behind. */
interface Plugged {
  /** Life of init in which it was put right. */
  life: string;
  /** Host ends of NICs that were plugged in, out or anew. */
  hostNames: string[];
  mounts: MountSpec[];
}

interface Guest extends MountGuest {
  networkNamespace: number;
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
const without = <T>(all: readonly T[], others: readonly T[]) =>
  all.filter((one) => !others.some((other) => isSame(one, other)));
const lifeOf = (init: RunningInit) => `${init.pid}:${init.startTicks}`;

/** Mounts and NICs of running instances. The file of the machine tells what is plugged in now; another one tells in what LXC does not know that. */
export class LxcHotplug {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  change(wanted: MachineSpec): Promise<HotplugRefusal[]> {
    return this.#parts.locks.run(wanted.ref.id, async () => {
      const { observer, findSpec } = this.#parts;
      const init = await observer.findInit(wanted.ref);
      const now = await findSpec(wanted.ref);
      if (!init || !now) throw new DomainError('wrong-state', 'The instance is not running');
      const gone = { mounts: without(now.mounts, wanted.mounts), nics: without(now.nics, wanted.nics) };
      const added = { mounts: without(wanted.mounts, now.mounts), nics: without(wanted.nics, now.nics) };
      const plan = { gone, added, kept: now.mounts.filter((mount) => !gone.mounts.includes(mount)) };
      if (Object.values({ ...gone, m: added.mounts, n: added.nics }).every((list) => list.length === 0)) {
        await this.#write({ ...now, limits: wanted.limits });
        return [];
      }
      await this.#remember(wanted.ref, init, plan);
      // Written first, so that whoever stops it knows of all interfaces.
      await this.#write({ ...now, mounts: wanted.mounts, nics: wanted.nics, limits: wanted.limits });
      // Ids and root are those that it was started with.
      const refused = await this.#within(now, init, (guest) => carryOut(guest, wanted, plan));
      await this.#write({ ...now, ...inEffect(wanted, now, refused), limits: wanted.limits });
      return refused;
    });
  }

  /** After a reboot from inside, LXC has set it up as it was started. */
  settle(ref: InstanceRef): Promise<void> {
    return this.#parts.locks.run(ref.id, async () => {
      const plugged = await this.#read(ref);
      const init = plugged && (await this.#parts.observer.findInit(ref));
      const spec = init && (await this.#parts.findSpec(ref));
      if (!spec || plugged.life === lifeOf(init)) return;
      const touched = (nic: NicSpec) => plugged.hostNames.includes(nic.hostName);
      const isTarget = (mount: MountSpec) => plugged.mounts.some((other) => other.target === mount.target);
      const added = { nics: spec.nics.filter(touched), mounts: spec.mounts.filter(isTarget) };
      await this.#within(spec, init, async (guest) => {
        for (const hostName of plugged.hostNames) await unplugNic(hostName);
        const plan = { gone: { nics: [], mounts: plugged.mounts }, added, kept: without(spec.mounts, added.mounts) };
        return carryOut(guest, spec, plan);
      });
      await replaceFile(this.#parts.paths.plugged(ref), JSON.stringify({ ...plugged, life: lifeOf(init) }));
    });
  }

  /** To be called when LXC gets a configuration of the whole machine. */
  async forget(ref: InstanceRef): Promise<void> {
    await rm(this.#parts.paths.plugged(ref), { force: true });
  }

  async #remember(ref: InstanceRef, init: RunningInit, { gone, added }: Plan): Promise<void> {
    const before = await this.#read(ref);
    const next: Plugged = {
      life: lifeOf(init),
      hostNames: [
        ...new Set([...(before?.hostNames ?? []), ...[...gone.nics, ...added.nics].map((nic) => nic.hostName)]),
      ],
      mounts: [...(before?.mounts ?? []), ...without([...gone.mounts, ...added.mounts], before?.mounts ?? [])],
    };
    await replaceFile(this.#parts.paths.plugged(ref), JSON.stringify(next));
  }

  async #read(ref: InstanceRef): Promise<Plugged | null> {
    const text = await readFile(this.#parts.paths.plugged(ref), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    return text === null ? null : (JSON.parse(text) as Plugged);
  }

  async #write(spec: MachineSpec): Promise<void> {
    await replaceFile(this.#parts.paths.spec(spec.ref), JSON.stringify(spec));
  }

  async #within<T>(spec: MachineSpec, init: RunningInit, work: (guest: Guest) => Promise<T>): Promise<T> {
    const { observer, paths } = this.#parts;
    const opened: number[] = [];
    const open = (kind: string) => {
      const fd = openSync(`/proc/${init.pid}/ns/${kind}`, 'r');
      opened.push(fd);
      return fd;
    };
    try {
      const namespaces = { mountNamespace: open('mnt'), networkNamespace: open('net'), userNamespace: open('user') };
      // Last, as it looks whether this pid is still that process; the namespaces were opened before.
      const root = await openGuestRoot(observer, { ref: spec.ref, rootfs: spec.rootfs, idmap: spec.idmap, path: '/' });
      try {
        const now = await observer.findInit(spec.ref);
        if (!now || lifeOf(now) !== lifeOf(init)) throw new DomainError('wrong-state', 'The instance has just ended');
        const userNamespace = spec.idmap === null ? null : namespaces.userNamespace;
        return await work({
          pid: init.pid,
          root,
          ...namespaces,
          userNamespace,
          staging: paths.readOnlyDisks(spec.ref),
        });
      } finally {
        root.close();
      }
    } finally {
      for (const fd of opened) closeSync(fd);
    }
  }
}

interface Devices {
  mounts: MountSpec[];
  nics: NicSpec[];
}
interface Plan {
  gone: Devices;
  added: Devices;
  kept: MountSpec[];
}

async function carryOut(guest: Guest, spec: MachineSpec, { gone, added, kept }: Plan): Promise<HotplugRefusal[]> {
  const refused: HotplugRefusal[] = [];
  const attempt = async (kind: HotplugRefusal['kind'], subject: string, work: () => Promise<void> | void) => {
    try {
      await work();
    } catch (error) {
      refused.push({ kind, subject, reason: error instanceof Error ? error.message : String(error) });
    }
  };
  for (const nic of gone.nics) await attempt('nic', nic.device, () => unplugNic(nic.hostName));
  for (const mount of [...gone.mounts].reverse())
    await attempt('mount', mount.target, () => unplugMount(guest, mount, kept));
  const parentsFirst = [...added.mounts].sort((a, b) => a.target.length - b.target.length);
  for (const mount of parentsFirst) await attempt('mount', mount.target, () => plugMount(guest, mount));
  for (const nic of added.nics) {
    const limit = spec.limits.nic.find(({ hostName }) => hostName === nic.hostName);
    await attempt('nic', nic.device, () => plugNic(guest.networkNamespace, nic, limit));
  }
  return refused;
}

/** What was refused is as it was before, so that it is tried again with the next change. */
function inEffect(wanted: MachineSpec, before: MachineSpec, refused: HotplugRefusal[]): Devices {
  const isRefused = (kind: string, subject: string) =>
    refused.some((refusal) => refusal.kind === kind && refusal.subject === subject);
  const pick = <T>(kind: string, subject: (one: T) => string, after: T[], old: T[]) => [
    ...after.filter((one) => !isRefused(kind, subject(one)) || old.some((other) => isSame(one, other))),
    ...old.filter((one) => isRefused(kind, subject(one)) && !after.some((other) => isSame(one, other))),
  ];
  return {
    mounts: pick('mount', (mount) => mount.target, wanted.mounts, before.mounts),
    nics: pick('nic', (nic) => nic.device, wanted.nics, before.nics),
  };
}
