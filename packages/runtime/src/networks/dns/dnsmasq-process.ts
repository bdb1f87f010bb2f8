import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError, messageOf } from '@stapes/contract/errors';
import { run } from '../../host/run.ts';

/**
 * One dnsmasq a network: a daemon of its own that outlives this process. It is known by its command line, which names a configuration
 * file that no other process has, and by the time at which it started; a pid that was given to another process is never signalled.
 */
export interface DnsmasqPaths {
  config: string;
  pid: string;
  /** Which process was started last, as `<pid> <start time>`. */
  record: string;
}

const commandLine = (paths: DnsmasqPaths) => ['dnsmasq', `--conf-file=${paths.config}`];

/** State and start time (clock ticks since boot), or null when there is no such process. */
async function processStat(pid: number): Promise<{ state: string; startTicks: string } | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  return state && startTicks ? { state, startTicks } : null;
}

/** Start time, or null when there is no such process with that command line (or it is ending). */
async function startedAt(pid: number, paths: DnsmasqPaths): Promise<string | null> {
  const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1);
  const expected = commandLine(paths);
  if (argv.length !== expected.length || !argv.every((arg, index) => arg === expected[index])) return null;
  return (await processStat(pid))?.startTicks ?? null;
}

export interface RunningDnsmasq {
  pid: number;
  startTicks: string;
}

async function recorded(paths: DnsmasqPaths): Promise<RunningDnsmasq | null> {
  const [pid, ticks] = (await readFile(paths.record, 'utf8').catch(() => '')).split(' ');
  if (!/^\d+$/.test(pid ?? '')) return null;
  const startTicks = await startedAt(Number(pid), paths);
  return startTicks !== null && startTicks === ticks ? { pid: Number(pid), startTicks } : null;
}

/** The one that runs for this configuration. The record says where to look; without a true one all processes are looked at. */
export async function findDnsmasq(paths: DnsmasqPaths): Promise<RunningDnsmasq | null> {
  const known = await recorded(paths);
  if (known) return known;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const startTicks = await startedAt(Number(entry), paths);
    if (startTicks === null) continue;
    await writeFile(paths.record, `${entry} ${startTicks}`).catch(() => undefined);
    return { pid: Number(entry), startTicks };
  }
  return null;
}

/** Returns when it has its sockets; throws with what it said when it has not. */
export async function startDnsmasq(paths: DnsmasqPaths): Promise<void> {
  const [file = '', ...args] = commandLine(paths);
  // One that was killed a moment ago may not have let go of its sockets.
  for (let attempt = 1; ; attempt++) {
    try {
      await run(file, args);
      break;
    } catch (error) {
      if (attempt === 5 || !/already in use/i.test(messageOf(error))) throw error;
      await sleep(100);
    }
  }
  const pid = (await readFile(paths.pid, 'utf8')).trim();
  const startTicks = await startedAt(Number(pid), paths);
  if (startTicks === null)
    throw new DomainError('unavailable', `dnsmasq ended right after its start: see the log beside ${paths.config}`);
  await writeFile(paths.record, `${pid} ${startTicks}`);
}

/** Waits for its end. A process loses its command line first and its sockets later; only a zombie has neither. */
async function isGone(running: RunningDnsmasq, timeoutMs: number): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; ; await sleep(10)) {
    const stat = await processStat(running.pid);
    if (!stat || stat.startTicks !== running.startTicks || /[ZX]/.test(stat.state)) return true;
    if (Date.now() > end) return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Not running is fine. */
export async function stopDnsmasq(paths: DnsmasqPaths): Promise<void> {
  for (let running = await findDnsmasq(paths); running; running = await findDnsmasq(paths)) {
    signal(running.pid, 'SIGTERM');
    if (!(await isGone(running, 5000))) signal(running.pid, 'SIGKILL');
    if (!(await isGone(running, 5000)))
      throw new DomainError('internal', `dnsmasq (pid ${running.pid}) cannot be stopped`);
  }
  await rm(paths.record, { force: true });
}

/** Lets it read its hosts again. Not running is fine: it reads them when it starts. */
export async function reloadDnsmasq(paths: DnsmasqPaths): Promise<void> {
  const running = await findDnsmasq(paths);
  if (running) signal(running.pid, 'SIGHUP');
}

/** `dnsmasq` where the package made that user, else `nobody`. */
export async function dnsmasqUser(): Promise<string> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return passwd.split('\n').some((entry) => entry.startsWith('dnsmasq:')) ? 'dnsmasq' : 'nobody';
}
