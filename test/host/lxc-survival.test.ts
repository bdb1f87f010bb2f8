import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import type { InstanceEvent, MachineSpec } from '@stapes/runtime/instances/driver';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { processesIn } from '@stapes/runtime/instances/lxc/lxc-cgroups';
import { stateId } from '@stapes/runtime/host/state-id';
import { LxcFixture, sh, until } from './lxc-fixture.ts';

const fixture = new LxcFixture();
const driver = createLxcDriver({ stateDir: fixture.stateDir });
const ended: AbortController[] = [];
afterAll(async () => {
  for (const end of ended) end.abort();
  for (const id of (await driver.inspectAll()).keys()) await driver.removeConfigured({ id });
  fixture.remove();
});

function follow(): InstanceEvent[] {
  const events: InstanceEvent[] = [];
  const end = new AbortController();
  ended.push(end);
  void driver.watch((event) => events.push(event), end.signal);
  return events;
}

/** The process of LXC that watches over an instance. */
function monitorPid(spec: MachineSpec): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const title = (() => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })();
    if (title.startsWith('[lxc monitor]') && title.replaceAll('\0', '').endsWith(spec.ref.id)) return Number(pid);
  }
  throw new Error('no monitor');
}

async function started(name: string, init?: string): Promise<MachineSpec> {
  const spec = fixture.spec(fixture.busyboxRootfs(name, init));
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  return spec;
}

test('a killed process leaves what it has started running', async () => {
  const spec = fixture.spec(fixture.busyboxRootfs('survivor'));
  await driver.ensureConfigured(spec);
  const script = `
    import { createLxcDriver } from '${process.cwd()}/packages/runtime/src/instances/lxc/lxc-driver.ts';
    const driver = createLxcDriver({ stateDir: ${JSON.stringify(fixture.stateDir)} });
    void driver.watch(() => undefined, new AbortController().signal);
    await driver.ensureStarted({ id: ${JSON.stringify(spec.ref.id)} });
    console.log('started');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: process.cwd(),
    detached: true,
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await until('the start', () => printed.includes('started'));
  const before = await driver.inspect(spec.ref);
  expect(before.status).toBe('Running');
  const closed = new Promise((done) => child.on('close', done));
  process.kill(-child.pid!, 'SIGKILL');
  await closed;
  expect(await driver.inspect(spec.ref)).toEqual(before);
  const other = createLxcDriver({ stateDir: fixture.stateDir });
  expect((await other.inspectAll()).get(spec.ref.id)).toMatchObject({ status: 'Running', pid: before.pid });
  await other.removeConfigured(spec.ref);
  expect((await driver.inspect(spec.ref)).status).toBe('Stopped');
});

test('an init that ends by itself is noticed', async () => {
  const events = follow();
  const spec = await started('mortal', '#!/bin/sh\nsleep 1\nexit 3\n');
  await until('the event', () => events.some((event) => event.id === spec.ref.id && event.status === 'Stopped'));
  expect((await driver.inspect(spec.ref)).status).toBe('Stopped');
  await driver.removeConfigured(spec.ref);
});

test('a killed monitor is noticed, and what it left can be stopped and started again', async () => {
  const events = follow();
  const spec = await started('orphan');
  await until('the start event', () => events.some((event) => event.status === 'Running'));
  process.kill(monitorPid(spec), 'SIGKILL');
  await until('the event', () => events.some((event) => event.id === spec.ref.id && event.status === 'Stopped'));
  await driver.ensureStopped(spec.ref, { graceMs: 0, force: true });
  expect(processesIn(`stapes-${stateId(fixture.stateDir)}/${spec.ref.id}`)).toEqual([]);
  await driver.ensureStarted(spec.ref);
  expect((await driver.inspect(spec.ref)).status).toBe('Running');
  process.kill(monitorPid(spec), 'SIGKILL');
  await until('its end', async () => (await driver.inspect(spec.ref)).status === 'Stopped');
  await driver.ensureStarted(spec.ref);
  expect((await driver.inspect(spec.ref)).status).toBe('Running');
  await driver.removeConfigured(spec.ref);
});

test('starts and stops that meet leave a clear state', async () => {
  const spec = fixture.spec(fixture.busyboxRootfs('race'));
  await driver.ensureConfigured(spec);
  for (let round = 0; round < 10; round++) {
    const starts = [driver.ensureStarted(spec.ref), driver.ensureStarted(spec.ref)];
    await new Promise((done) => setTimeout(done, round * 6));
    await Promise.allSettled([...starts, driver.ensureStopped(spec.ref, { graceMs: 0, force: true })]);
    await driver.ensureStopped(spec.ref, { graceMs: 0, force: true });
    expect((await driver.inspect(spec.ref)).status).toBe('Stopped');
    expect(processesIn(`stapes-${stateId(fixture.stateDir)}/${spec.ref.id}`)).toEqual([]);
  }
  await driver.removeConfigured(spec.ref);
});

test('a grace that passes without force leaves it running; an abort stops the waiting', async () => {
  const spec = await started(
    'deaf',
    '#!/bin/sh\ntrap "" PWR TERM USR1 USR2\necho ready\nwhile :; do sleep 1000; done\n',
  );
  await expect(driver.ensureStopped(spec.ref, { graceMs: 50, force: false })).rejects.toMatchObject({
    code: 'timeout',
  });
  const abort = new AbortController();
  const stopping = driver.ensureStopped(spec.ref, { graceMs: 600_000, force: true, signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await expect(stopping).rejects.toMatchObject({ code: 'cancelled' });
  expect((await driver.inspect(spec.ref)).status).toBe('Running');
  await driver.ensureStopped(spec.ref, { graceMs: 50, force: true });
  expect((await driver.inspect(spec.ref)).status).toBe('Stopped');
  await driver.removeConfigured(spec.ref);
});

test('a command whose attach was killed does not keep its instance from ending', async () => {
  const spec = await started('attached');
  const exec = await driver.can.exec!.command(spec.ref, { command: ['sleep', '777'], environment: { PATH: '/bin' } });
  const child = spawn(exec.file, exec.args, { env: exec.env, stdio: 'ignore' });
  await until('the command', async () => (await driver.usage([spec.ref])).get(spec.ref.id)!.processes >= 3);
  child.kill('SIGKILL');
  await driver.removeConfigured(spec.ref);
  expect(processesIn(`stapes-${stateId(fixture.stateDir)}/${spec.ref.id}`)).toEqual([]);
});

test('a reboot from inside is followed, and limits of its NICs come again', async () => {
  sh('ip', 'link', 'add', 'brboot', 'type', 'bridge');
  const events = follow();
  const nic = { device: 'eth0', name: 'eth0', hostName: 'vboot1', hwaddr: '10:66:6a:00:0a:01', bridge: 'brboot' };
  const limits = { disk: [], nic: [{ hostName: 'vboot1', ingressBps: 8_000_000 }] };
  const spec = fixture.spec(fixture.busyboxRootfs('reboot'), { nics: [nic], limits });
  await driver.ensureConfigured(spec);
  await driver.ensureStarted(spec.ref);
  const before = await driver.inspect(spec.ref);
  await until('the first event', () => events.some((event) => event.status === 'Running'));
  const exec = await driver.can.exec!.command(spec.ref, { command: ['reboot', '-f'], environment: { PATH: '/bin' } });
  spawn(exec.file, exec.args, { env: exec.env, stdio: 'ignore' });
  await until('the new life', async () => {
    const seen = await driver.inspect(spec.ref);
    return seen.status === 'Running' && seen.pid !== before.pid;
  });
  await until('its limits', () => sh('tc', 'qdisc', 'show', 'dev', 'vboot1').includes('tbf'));
  expect(events.filter((event) => event.id === spec.ref.id).map((event) => event.status)).not.toContain('Stopped');
  await driver.removeConfigured(spec.ref);
});
