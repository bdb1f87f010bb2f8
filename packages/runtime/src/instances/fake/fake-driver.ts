import { Readable } from 'node:stream';
import { DomainError } from '@stapes/contract/errors';
import type { InterfaceState } from '@stapes/contract/instance';
import { fakeFiles } from './fake-files.ts';
import type {
  InstanceDriver,
  InstanceEvent,
  InstanceObservation,
  InstancePowers,
  InstanceRef,
  InstanceUsage,
  Limits,
  MachineSpec,
  StopOptions,
} from '../driver.ts';

/** How a test makes the fake misbehave. */
export interface FakeInstanceDriver extends InstanceDriver {
  /** The next call of that verb fails with this error. */
  failNext(
    verb: 'ensureConfigured' | 'removeConfigured' | 'ensureStarted' | 'ensureStopped' | 'ensureFrozen',
    error: Error,
  ): void;
  /** Init ends by itself. */
  exitByItself(ref: InstanceRef): void;
  /** An instance that ignores requests to shut down. */
  setStubborn(ref: InstanceRef, stubborn: boolean): void;
  specOf(ref: InstanceRef): MachineSpec | undefined;
  limitsOf(ref: InstanceRef): Limits | undefined;
  /** Ids with anything left in the driver. */
  traces(): string[];
}

interface Box {
  spec: MachineSpec;
  seen: InstanceObservation;
  stubborn: boolean;
}

const stopped: InstanceObservation = { status: 'Stopped', pid: 0, startedAtMs: 0 };

/** Instances that exist in memory only, with the behaviour of the contract. */
export function createFakeInstanceDriver(): FakeInstanceDriver {
  const boxes = new Map<string, Box>();
  const listeners = new Set<(event: InstanceEvent) => void>();
  const failures = new Map<string, Error>();
  const logs = new Map<string, Map<string, Buffer>>();
  let nextPid = 1000;

  const failWhenTold = (verb: string) => {
    const error = failures.get(verb);
    failures.delete(verb);
    if (error) throw error;
  };
  const become = (id: string, box: Box, seen: InstanceObservation) => {
    const changed = box.seen.status !== seen.status;
    box.seen = seen;
    if (changed) for (const listener of listeners) listener({ id, status: seen.status });
  };
  const get = (ref: InstanceRef): Box => {
    const box = boxes.get(ref.id);
    if (!box) throw new DomainError('not-found', 'The instance has no configuration on this host');
    return box;
  };
  const requireRunning = (ref: InstanceRef): Box => {
    const box = boxes.get(ref.id);
    if (!box || box.seen.status !== 'Running')
      throw new DomainError('wrong-state', 'The instance is not running; start it first');
    return box;
  };

  return {
    type: 'container',
    can: fakePowers({
      requireRunning,
      logs,
      setLimits: (ref, limits) => void (boxes.has(ref.id) && (get(ref).spec = { ...get(ref).spec, limits })),
      plug: (spec) => {
        const box = requireRunning(spec.ref);
        const { mounts, nics, limits } = spec;
        box.spec = { ...box.spec, mounts, nics, limits };
      },
    }),
    async ensureConfigured(spec) {
      failWhenTold('ensureConfigured');
      refuseControlCharacters(spec);
      const box = boxes.get(spec.ref.id);
      if (box) box.spec = spec;
      else boxes.set(spec.ref.id, { spec, seen: stopped, stubborn: false });
    },
    async removeConfigured(ref) {
      failWhenTold('removeConfigured');
      const box = boxes.get(ref.id);
      if (box) become(ref.id, box, stopped);
      boxes.delete(ref.id);
      logs.delete(ref.id);
    },
    async ensureStarted(ref) {
      failWhenTold('ensureStarted');
      const box = get(ref);
      if (box.seen.status !== 'Stopped') return;
      logs.set(ref.id, new Map([['console.log', Buffer.from('console says hello\n')]]));
      become(ref.id, box, { status: 'Running', pid: nextPid++, startedAtMs: Date.now() });
    },
    async ensureStopped(ref, options: StopOptions) {
      failWhenTold('ensureStopped');
      options.signal?.throwIfAborted();
      const box = boxes.get(ref.id);
      if (!box || box.seen.status === 'Stopped') return;
      if (box.stubborn && !options.force)
        throw new DomainError('timeout', 'The instance did not shut down in time; it still runs');
      become(ref.id, box, stopped);
    },
    async ensureFrozen(ref, frozen) {
      failWhenTold('ensureFrozen');
      const box = boxes.get(ref.id);
      if (!box || box.seen.status === 'Stopped') throw new DomainError('wrong-state', 'The instance is not running');
      become(ref.id, box, { ...box.seen, status: frozen ? 'Frozen' : 'Running' });
    },
    async inspect(ref) {
      return boxes.get(ref.id)?.seen ?? stopped;
    },
    async inspectAll() {
      return new Map(
        [...boxes].flatMap(([id, box]) => (box.seen.status === 'Stopped' ? [] : [[id, box.seen] as const])),
      );
    },
    async usage(refs) {
      return new Map(
        refs.flatMap((ref) =>
          boxes.get(ref.id)?.seen.pid ? [[ref.id, fakeUsage(boxes.get(ref.id)!.spec)] as const] : [],
        ),
      );
    },
    async watch(listener, signal) {
      if (signal.aborted) return;
      listeners.add(listener);
      await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
      listeners.delete(listener);
    },
    failNext: (verb, error) => void failures.set(verb, error),
    exitByItself: (ref) => become(ref.id, get(ref), stopped),
    setStubborn: (ref, stubborn) => void (get(ref).stubborn = stubborn),
    specOf: (ref) => boxes.get(ref.id)?.spec,
    limitsOf: (ref) => boxes.get(ref.id)?.spec.limits,
    traces: () => [...new Set([...boxes.keys(), ...logs.keys()])],
  };
}

function refuseControlCharacters(spec: MachineSpec): void {
  const values = [
    spec.hostname,
    spec.rootfs,
    ...Object.entries(spec.environment).flat(),
    ...spec.mounts.flatMap((mount) => [mount.source, mount.target]),
    ...spec.nics.flatMap((nic) => [nic.name, nic.hostName, nic.hwaddr, nic.bridge]),
  ];
  if (values.some((value) => /[\u0000-\u001f\u007f-\u009f]/.test(value)))
    throw new DomainError('invalid', 'A value contains a line break or another control character');
}

function fakeUsage(spec: MachineSpec): InstanceUsage {
  const counters = {
    bytes_received: 0,
    bytes_sent: 0,
    packets_received: 0,
    packets_sent: 0,
    errors_received: 0,
    errors_sent: 0,
    packets_dropped_outbound: 0,
    packets_dropped_inbound: 0,
  };
  const nics = spec.nics.map((nic): [string, InterfaceState] => [
    nic.name,
    {
      addresses: [],
      counters,
      hwaddr: nic.hwaddr,
      host_name: nic.hostName,
      mtu: nic.mtu ?? 1500,
      state: 'up',
      type: 'broadcast',
    },
  ]);
  return {
    cpuNs: 1_000_000,
    memoryBytes: 1_048_576,
    memoryPeakBytes: 2_097_152,
    memoryTotalBytes: spec.limits.memoryBytes ?? 0,
    swapBytes: 0,
    swapPeakBytes: 0,
    processes: 1,
    network: Object.fromEntries(nics),
  };
}

interface PowerParts {
  requireRunning(ref: InstanceRef): unknown;
  plug(spec: MachineSpec): void;
  logs: Map<string, Map<string, Buffer>>;
  setLimits(ref: InstanceRef, limits: Limits): void;
}

function fakePowers({ requireRunning, logs, setLimits, plug }: PowerParts): InstancePowers {
  const logsOf = (ref: InstanceRef) => logs.get(ref.id) ?? new Map<string, Buffer>();
  return {
    exec: {
      async command(ref, spec) {
        requireRunning(ref);
        return { file: spec.command[0] ?? 'true', args: spec.command.slice(1), env: spec.environment };
      },
    },
    limits: {
      async apply(ref, limits) {
        setLimits(ref, limits);
      },
    },
    consoleLog: {
      async read(ref) {
        return logsOf(ref).get('console.log') ?? Buffer.alloc(0);
      },
      async clear(ref) {
        logsOf(ref).set('console.log', Buffer.alloc(0));
      },
    },
    console: {
      async command(ref) {
        requireRunning(ref);
        return { file: 'cat', args: [], env: {} };
      },
    },
    logs: {
      async list(ref) {
        return [...logsOf(ref).keys()];
      },
      async read(ref, name) {
        const log = logsOf(ref).get(name);
        if (!log) throw new DomainError('not-found', `There is no log "${name}" for this instance`);
        return log;
      },
      async remove(ref, name) {
        if (!logsOf(ref).delete(name))
          throw new DomainError('not-found', `There is no log "${name}" for this instance`);
      },
    },
    files: fakeFiles((content) => Readable.from([content])),
    hotplug: {
      async change(spec) {
        plug(spec);
        return [];
      },
    },
  };
}
