import { createSocket } from 'node:dgram';
import { appendFile, chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import { createBridgeDriver } from '@stapes/runtime/networks/bridge/bridge-driver';
import type { NetworkDriver, NetworkSpec, PortSpec } from '@stapes/runtime/networks/driver';
import { exampleNetwork, examplePort } from '@stapes/runtime/networks/driver.contract';
import { listHostInterfaces } from '@stapes/runtime/networks/host-interfaces';
import { NetworkClient, until } from './network-client.ts';

/** A real bridge with real clients: namespaces of their own, joined by veths. */

let stateDir: string;
let driver: NetworkDriver;
const clients: NetworkClient[] = [];
const spec = exampleNetwork();
const port = examplePort();
const bridge = spec.ref.interfaceName;

async function attach(to: PortSpec): Promise<NetworkClient> {
  const client = await NetworkClient.attach(to.network.interfaceName, to.hostName, to.hwaddr);
  clients.push(client);
  return client;
}

async function dnsmasqPids(): Promise<number[]> {
  const config = join(stateDir, 'networks', spec.ref.id, 'dnsmasq.conf');
  const entries = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(entries.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return entries.filter((_, index) => lines[index] === `dnsmasq\0--conf-file=${config}\0`).map(Number);
}

const ruleset = async () => (await run('nft', ['list', 'ruleset'])).stdout;
const loseRuntime = async () => {
  for (const pid of await dnsmasqPids()) process.kill(pid, 'SIGKILL');
  await until('dnsmasq to end', async () => (await dnsmasqPids()).length === 0);
  await run('nft', ['flush', 'ruleset']);
  await run('ip', ['link', 'delete', bridge]);
};

/** What arrives at the bridge's address. */
async function listen(address: string): Promise<{ port: number; received: string[]; close(): void }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const received: string[] = [];
  socket.on('message', (message) => received.push(message.toString()));
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return { port: socket.address().port, received, close: () => socket.close() };
}

/** Lets the host ask who has an address; `FAILED` when no answer gets through. */
async function neighbourOf(address: string): Promise<string> {
  const probe = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve) => probe.send('x', 9, address, () => resolve()));
  const state = await until(`the host to know ${address}`, async () => {
    const { stdout } = await run('ip', ['neigh', 'show', address, 'dev', bridge]);
    return /FAILED|REACHABLE|STALE|DELAY|PROBE/.exec(stdout)?.[0] ?? null;
  });
  probe.close();
  return state;
}

beforeEach(async () => {
  stateDir = await mkdtemp('/var/tmp/stapes-test-network-');
  await chmod(stateDir, 0o711);
  driver = createBridgeDriver({ stateDir });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.remove();
  await driver.removeNetwork(spec.ref);
  await driver.removeNetwork({ ...spec.ref, id: 'net2', interfaceName: 'lab1' });
  await rm(stateDir, { recursive: true, force: true });
});

describe('DHCP and DNS', () => {
  it('lends an address and says router, resolver and domain', async () => {
    await driver.ensureNetwork({ ...spec, mtu: 1400 });
    await driver.ensurePort(port);
    const client = await attach(port);
    const answer = await client.dhcp('impostor', ['-O', 'mtu']);
    expect(answer).toMatchObject({ router: '10.77.1.1', dns: '10.77.1.1', domain: 'stapes', mtu: '1400' });
    expect(answer?.['address']).toMatch(/^10\.77\.1\.\d+$/);
    const lease = { hostname: 'web', hwaddr: port.hwaddr, address: answer?.['address'], type: 'dynamic' };
    expect(await driver.leases(spec.ref)).toContainEqual(lease);
    // The server names instances; what a client says of itself counts for nothing.
    expect(await client.resolve('10.77.1.1', 'web.stapes')).toBe(answer?.['address']);
    expect(await client.resolve('10.77.1.1', 'impostor.stapes')).toBe('ENOTFOUND');
    const other = { ...port, portId: 'port2', hostName: 'vtest2', hwaddr: '10:66:6a:00:00:99', hostname: 'db' };
    await driver.ensurePort(other);
    const witness = await attach(other);
    await witness.dhcp('db');
    await driver.removePort(port);
    expect((await driver.leases(spec.ref)).map((entry) => entry.hostname)).not.toContain('web');
    expect(await witness.resolve('10.77.1.1', 'web.stapes')).toBe('ENOTFOUND');
    // Who was there has been unplugged.
    expect((await listHostInterfaces()).map(({ name }) => name)).not.toContain(port.hostName);
  });

  it('honours a fixed address that is given while dnsmasq runs, without a restart', async () => {
    await driver.ensureNetwork(spec);
    const pids = await dnsmasqPids();
    await driver.ensurePort({ ...port, hostname: '10m', ipv4Address: '10.77.1.50' });
    const client = await attach(port);
    expect(await client.dhcp()).toMatchObject({ address: '10.77.1.50' });
    expect(await client.resolve('10.77.1.1', '10m.stapes')).toBe('10.77.1.50');
    await driver.ensurePort({ ...port, ipv4Address: '10.77.1.51' });
    expect(await client.dhcp()).toMatchObject({ address: '10.77.1.51' });
    expect(await dnsmasqPids()).toEqual(pids);
    expect(pids).toHaveLength(1);
    expect(await readFile(`/proc/${pids[0]}/status`, 'utf8')).not.toMatch(/^Uid:\s+0\s/m);
  });

  it('announces the IPv6 prefix', async () => {
    await driver.ensureNetwork(spec);
    await driver.ensurePort(port);
    const client = await attach(port);
    await until('an address from the announced prefix', async () =>
      (await client.exec('ip', '-6', 'addr', 'show', 'dev', 'eth0')).includes('fd42:77:1:1:1266:6aff:fe00:1/64'),
    );
    await until('a default route', async () =>
      (await client.exec('ip', '-6', 'route', 'show', 'default')).includes('via fe80::'),
    );
  });

  it('runs with every combination of its keys', async () => {
    const { ipv4, ipv6 } = spec;
    const variants: Partial<NetworkSpec>[] = [
      { ipv6: { ...ipv6!, stateful: true } },
      { ipv6: { ...ipv6!, dhcp: false, routing: false } },
      { ipv4: null },
      { ipv6: null, ipv4: { ...ipv4!, dhcp: false } },
      {
        ipv4: {
          ...ipv4!,
          routing: false,
          firewall: false,
          dhcpRanges: ['10.77.1.10-10.77.1.20'],
          dhcpExpiry: 'infinite',
        },
      },
      { dns: { domain: 'lab.example', mode: 'dynamic' } },
      { dns: { domain: 'stapes', mode: 'none' } },
    ];
    for (const variant of variants) {
      const changed = { ...spec, ...variant };
      await driver.ensureNetwork(changed);
      const fixed = {
        ...(changed.ipv4 ? { ipv4Address: '10.77.1.15' } : {}),
        ...(changed.ipv6 ? { ipv6Address: 'fd42:77:1:1::15' } : {}),
      };
      await driver.ensurePort({ ...port, ...fixed });
      expect(await dnsmasqPids(), JSON.stringify(variant)).toHaveLength(1);
      await driver.removePort(port);
    }
    const log = await readFile(join(stateDir, 'networks', spec.ref.id, 'dnsmasq.log'), 'utf8');
    expect(log).not.toMatch(/bad |error|fail|duplicate|warning/i);
    await driver.ensureNetwork({ ...spec, ipv4: null, ipv6: null });
    expect(await dnsmasqPids()).toEqual([]);
    expect(await driver.inspect(spec.ref)).toMatchObject({ state: 'up', addresses: [] });
  });

  it('lets many ports come and go at once', async () => {
    await driver.ensureNetwork(spec);
    const pids = await dnsmasqPids();
    const ports = Array.from({ length: 40 }, (_, index) => {
      const hex = index.toString(16).padStart(2, '0');
      return {
        ...port,
        portId: `many${index}`,
        hostName: `st01${hex}`,
        hwaddr: `10:66:6a:00:01:${hex}`,
        hostname: `many${index}`,
        ipv4Address: `10.77.1.${100 + index}`,
      };
    });
    await Promise.all(ports.map((each) => driver.ensurePort(each)));
    expect((await driver.leases(spec.ref)).filter((lease) => lease.type === 'static')).toHaveLength(40);
    const client = await attach(ports[39]!);
    expect(await client.dhcp()).toMatchObject({ address: '10.77.1.139' });
    await Promise.all(ports.map((each) => driver.removePort(each)));
    expect((await driver.leases(spec.ref)).filter((lease) => lease.type !== 'gateway')).toEqual([]);
    expect(await dnsmasqPids()).toEqual(pids);
  });
});

describe('the firewall', () => {
  it('hides instances behind the host', async () => {
    await driver.ensureNetwork(spec);
    const rules = await ruleset();
    expect(rules).toContain('ip saddr 10.77.1.0/24 ip daddr != 10.77.1.0/24 oifname != "lab0" masquerade');
    expect(rules).toContain('ip6 saddr fd42:77:1:1::/64 ip6 daddr != fd42:77:1:1::/64 oifname != "lab0" masquerade');
    await driver.ensureNetwork({ ...spec, ipv4: { ...spec.ipv4!, nat: false }, ipv6: null });
    expect(await ruleset()).not.toContain('masquerade');
    // What another network hides, and what it sees, is the sender of the outer side.
    await driver.ensureNetwork(spec);
    const outside = {
      ...exampleNetwork({ ipv6: null }),
      ref: { id: 'net2', name: 'out', interfaceName: 'lab1' },
      ipv4: { ...spec.ipv4!, address: '10.78.1.1/24' },
    };
    await driver.ensureNetwork(outside);
    const [inner, outer] = [
      await attach(port),
      await attach({ ...port, network: outside.ref, hostName: 'st0002', hwaddr: '10:66:6a:00:00:02' }),
    ];
    const [innerAnswer, outerAnswer] = [await inner.dhcp(), await outer.dhcp()];
    expect(innerAnswer?.['address']).toMatch(/^10\.77\.1\./);
    const script = `const s=require('node:dgram').createSocket('udp4');s.on('message',(m,r)=>{console.log(r.address);process.exit()});s.bind(9999)`;
    const heard = outer.exec(process.execPath, '-e', script);
    await until('the outer side to hear', async () => {
      await inner.send(String(outerAnswer?.['address']), 9999, 'x');
      return Promise.race([heard, new Promise<null>((resolve) => setTimeout(() => resolve(null), 300))]);
    });
    expect(await heard).toBe('10.78.1.1');
    expect(await inner.resolve('10.78.1.1', '_gateway.stapes', 1)).not.toContain('10.78.1.1');
  });

  it('drops packets that claim to come from somebody else', async () => {
    await driver.ensureNetwork(spec);
    const filtered = { ...port, ipv4Address: '10.77.1.50', filter: { mac: true, ipv4: true, ipv6: true } };
    await driver.ensurePort(filtered);
    const client = await attach(port);
    expect(await client.dhcp()).toMatchObject({ address: '10.77.1.50' });
    const here = await listen('10.77.1.1');
    await client.exec('ip', 'neigh', 'replace', '10.77.1.1', 'lladdr', await hwaddrOf(bridge), 'dev', 'eth0');
    await client.exec('ip', 'addr', 'add', '10.77.1.66/24', 'dev', 'eth0');
    await client.send('10.77.1.1', here.port, 'wrong address', '10.77.1.66');
    await client.exec('ip', 'link', 'set', 'eth0', 'address', '10:66:6a:00:00:99');
    await client.send('10.77.1.1', here.port, 'wrong hardware address', '10.77.1.50');
    await client.exec('ip', 'link', 'set', 'eth0', 'address', port.hwaddr);
    await client.exec('ip', 'neigh', 'replace', '10.77.1.1', 'lladdr', await hwaddrOf(bridge), 'dev', 'eth0');
    await client.send('10.77.1.1', here.port, 'true', '10.77.1.50');
    await until('the true packet', async () => here.received.includes('true'));
    expect(here.received).toEqual(['true']);
    expect(await neighbourOf('10.77.1.66')).toBe('FAILED');
    // Without the filters the same packet arrives: the test can tell.
    await driver.ensurePort({ ...filtered, filter: { mac: false, ipv4: false, ipv6: false } });
    await client.send('10.77.1.1', here.port, 'unfiltered', '10.77.1.66');
    await until('the unfiltered packet', async () => here.received.includes('unfiltered'));
    expect(await neighbourOf('10.77.1.66')).not.toBe('FAILED');
    here.close();
    expect(await ruleset()).not.toContain('port_port1');
  });

  it('gives a port that is filtered by address one that stays', async () => {
    await driver.ensureNetwork(spec);
    const filtered = { ...port, filter: { mac: false, ipv4: true, ipv6: false } };
    await driver.ensurePort(filtered);
    const fixed = async () => (await driver.leases(spec.ref)).find((lease) => lease.type === 'static')?.address;
    const address = await fixed();
    expect(address).toMatch(/^10\.77\.1\./);
    const client = await attach(port);
    expect(await client.dhcp()).toMatchObject({ address });
    await createBridgeDriver({ stateDir }).ensurePort({ ...filtered, hostName: 'st0009' });
    expect(await fixed()).toBe(address);
    expect(await ruleset()).toContain('"st0009" : jump port_port1');
    expect(await ruleset()).not.toContain('st0001');
    await driver.removePort(filtered);
    expect(await ruleset()).not.toMatch(/st0009|port_port1/);
  });

  it('drops false neighbours and routers', async () => {
    await driver.ensureNetwork(spec);
    await driver.ensurePort({ ...port, filter: { mac: true, ipv4: false, ipv6: true } });
    const client = await attach(port);
    const own = 'fd42:77:1:1:1266:6aff:fe00:1';
    await until('an address', async () =>
      (await client.exec('ip', '-6', 'addr', 'show', 'dev', 'eth0', '-tentative')).includes(own),
    );
    const here = await listen('fd42:77:1:1::1');
    await client.exec('ip', 'addr', 'add', 'fd42:77:1:1::66/64', 'dev', 'eth0', 'nodad');
    await client.exec('ip', 'neigh', 'replace', 'fd42:77:1:1::1', 'lladdr', await hwaddrOf(bridge), 'dev', 'eth0');
    await client.send('fd42:77:1:1::1', here.port, 'wrong', 'fd42:77:1:1::66');
    await client.send('fd42:77:1:1::1', here.port, 'true', own);
    await until('the true packet', async () => here.received.includes('true'));
    expect(here.received).toEqual(['true']);
    expect(await neighbourOf('fd42:77:1:1::66')).toBe('FAILED');
    here.close();
  });

  it('keeps isolated ports apart, whenever they come', async () => {
    await driver.ensureNetwork(spec);
    const other = examplePort({
      portId: 'port2',
      hostName: 'st0002',
      hwaddr: '10:66:6a:00:00:02',
      hostname: 'db',
      isolated: true,
      ipv4Address: '10.77.1.52',
    });
    await driver.ensurePort({ ...port, isolated: true, ipv4Address: '10.77.1.51' });
    await driver.ensurePort(other);
    const [one, two] = [await attach(port), await attach(other)];
    expect([(await one.dhcp())?.['address'], (await two.dhcp())?.['address']]).toEqual(['10.77.1.51', '10.77.1.52']);
    const ping = () =>
      one.exec('ping', '-c', '2', '-W', '2', '10.77.1.52').then(
        () => true,
        () => false,
      );
    expect(await ping()).toBe(false);
    await driver.ensurePort({ ...other, isolated: false });
    expect(await ping()).toBe(true);
  });
});

const hwaddrOf = async (name: string) => (await readFile(`/sys/class/net/${name}/address`, 'utf8')).trim();

describe('bad days', () => {
  it('starts a killed dnsmasq again, and leaves a living one alone', async () => {
    await driver.ensureNetwork(spec);
    await driver.ensurePort({ ...port, ipv4Address: '10.77.1.50' });
    const [pid] = await dnsmasqPids();
    process.kill(pid!, 'SIGKILL');
    await until('dnsmasq to end', async () => (await dnsmasqPids()).length === 0);
    expect(await driver.heal([spec])).toEqual([expect.stringContaining('dnsmasq of the network lab')]);
    const after = await dnsmasqPids();
    expect(after).toHaveLength(1);
    expect(await driver.heal([spec])).toEqual([]);
    // A restarted server finds it by itself, also without its record.
    const next = createBridgeDriver({ stateDir });
    await rm(join(stateDir, 'networks', spec.ref.id, 'dnsmasq.started'));
    expect(await next.heal([spec])).toEqual([]);
    await next.ensureNetwork(spec);
    expect(await dnsmasqPids()).toEqual(after);
    expect(await (await attach(port)).dhcp()).toMatchObject({ address: '10.77.1.50' });
  });

  it('puts everything back after a reboot', async () => {
    await driver.ensureNetwork(spec);
    await driver.ensurePort({ ...port, ipv4Address: '10.77.1.50', filter: { mac: true, ipv4: true, ipv6: false } });
    const before = await ruleset();
    await loseRuntime();
    const next = createBridgeDriver({ stateDir });
    await next.ensureNetwork(spec);
    expect(await ruleset()).toBe(before);
    expect(await (await attach(port)).dhcp()).toMatchObject({ address: '10.77.1.50' });
  });

  it('sets up anew what a crash of the host has damaged', async () => {
    await driver.ensureNetwork(spec);
    await driver.ensurePort({ ...port, ipv4Address: '10.77.1.50', filter: { mac: true, ipv4: true, ipv6: true } });
    const directory = join(stateDir, 'networks', spec.ref.id);
    for (const file of ['network.json', 'ports/port1.json', 'dnsmasq.conf', 'dnsmasq.started'])
      await writeFile(join(directory, file), '');
    await loseRuntime();
    const next = createBridgeDriver({ stateDir });
    await next.ensureNetwork(spec);
    await next.ensurePort({ ...port, ipv4Address: '10.77.1.50' });
    expect(await (await attach(port)).dhcp()).toMatchObject({ address: '10.77.1.50' });
    await writeFile(join(directory, 'ports/port1.json'), '{');
    await next.removePort(port);
    expect(await readdir(join(directory, 'ports'))).toEqual([]);
    expect(await readdir(join(directory, 'hosts'))).toEqual([]);
  });

  it('takes running instances back into a bridge that was lost', async () => {
    await driver.ensureNetwork(spec);
    await driver.ensurePort(port);
    const client = await attach(port);
    await loseRuntime();
    expect(await driver.heal([spec])).toHaveLength(1);
    expect((await client.dhcp())?.['address']).toMatch(/^10\.77\.1\./);
  });

  it('makes rules again that somebody flushed', async () => {
    await driver.ensureNetwork(spec);
    const before = await ruleset();
    await run('nft', ['flush', 'ruleset']);
    expect(await driver.heal([spec])).toEqual([expect.stringContaining('firewall')]);
    expect(await ruleset()).toBe(before);
  });

  it('refuses an interface that is not ours, and leaves it alone', async () => {
    await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
    await expect(driver.ensureNetwork(spec)).rejects.toMatchObject({ code: 'exists' });
    await driver.removeNetwork(spec.ref);
    const left = (await listHostInterfaces()).find((link) => link.name === bridge);
    expect(left).toMatchObject({ type: 'bridge' });
    await run('ip', ['link', 'delete', bridge]);
    expect(await dnsmasqPids()).toEqual([]);
    expect(await ruleset()).toBe('');
  });

  it('says so when the address of DHCP is taken', async () => {
    const taken = createSocket('udp4');
    await new Promise<void>((resolve) => taken.bind(67, resolve));
    await expect(driver.ensureNetwork(spec)).rejects.toMatchObject({ message: expect.stringContaining('dnsmasq') });
    await new Promise<void>((resolve) => taken.close(() => resolve()));
    await driver.ensureNetwork(spec);
    expect(await dnsmasqPids()).toHaveLength(1);
  });

  it('does not let the log of dnsmasq grow without end', async () => {
    await driver.ensureNetwork(spec);
    const log = join(stateDir, 'networks', spec.ref.id, 'dnsmasq.log');
    await appendFile(log, 'x'.repeat(2 * 1024 * 1024));
    await driver.heal([spec]);
    expect((await stat(log)).size).toBe(0);
    await driver.ensurePort(port);
    await until('the log to go on', async () => (await readFile(log, 'utf8')).includes('hosts/port1'));
    expect((await stat(log)).size).toBeLessThan(10_000);
  });

  it('leaves no rule, process, file or interface', async () => {
    const before = (await listHostInterfaces()).map((link) => link.name);
    await driver.ensureNetwork(spec);
    await driver.ensurePort({
      ...port,
      isolated: true,
      ipv4Address: '10.77.1.50',
      filter: { mac: true, ipv4: true, ipv6: true },
    });
    expect(await ruleset()).toContain('table bridge');
    await driver.removeNetwork(spec.ref);
    expect(await ruleset()).toBe('');
    expect(await dnsmasqPids()).toEqual([]);
    expect(await readdir(join(stateDir, 'networks'))).toEqual([]);
    expect((await listHostInterfaces()).map((link) => link.name)).toEqual(before);
  });
});
