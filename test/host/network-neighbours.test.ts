import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import { createBridgeDriver } from '@stapes/runtime/networks/bridge/bridge-driver';
import { exampleNetwork, examplePort } from '@stapes/runtime/networks/driver.contract';
import { listHostInterfaces } from '@stapes/runtime/networks/host-interfaces';

/** A host has other networks, and other servers like this one. */

const directories: string[] = [];
const one = exampleNetwork();
const other = exampleNetwork({
  ref: { ...one.ref, interfaceName: 'lab1' },
  ipv4: { ...one.ipv4!, address: '10.78.1.1/24' },
  ipv6: null,
});

async function newStateDirectory(): Promise<string> {
  const directory = await mkdtemp('/var/tmp/stapes-test-network-');
  directories.push(directory);
  await chmod(directory, 0o711);
  return directory;
}

let firstDirectory: string;
let secondDirectory: string;
beforeEach(async () => {
  [firstDirectory, secondDirectory] = [await newStateDirectory(), await newStateDirectory()];
});
afterEach(async () => {
  await createBridgeDriver({ stateDir: firstDirectory }).removeNetwork(one.ref);
  await createBridgeDriver({ stateDir: secondDirectory }).removeNetwork(other.ref);
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

it('two servers with networks and ports of the same ids do not touch each other', async () => {
  const [first, second] = [
    createBridgeDriver({ stateDir: firstDirectory }),
    createBridgeDriver({ stateDir: secondDirectory }),
  ];
  const filter = { mac: true, ipv4: false, ipv6: false };
  await first.ensureNetwork(one);
  await first.ensurePort(examplePort({ filter }));
  const before = (await run('nft', ['list', 'ruleset'])).stdout;
  await second.ensureNetwork(other);
  await second.ensurePort(examplePort({ network: other.ref, hostName: 'st0002', filter }));
  await expect(second.ensureNetwork(one)).rejects.toMatchObject({ code: 'exists' });
  expect(await second.inspect(other.ref)).toMatchObject({ state: 'up' });
  await second.removeNetwork(other.ref);
  expect((await run('nft', ['list', 'ruleset'])).stdout).toBe(before);
  expect(await first.heal([one])).toEqual([]);
  expect(await first.inspect(one.ref)).toMatchObject({ state: 'up' });
});

it('chosen subnets keep clear of every address and route, in any table', async () => {
  await run('ip', ['link', 'add', 'side0', 'type', 'bridge']);
  await run('ip', ['link', 'set', 'side0', 'up']);
  await run('ip', ['addr', 'add', '10.0.0.5/24', 'dev', 'side0']);
  await run('ip', ['route', 'add', '10.0.1.0/24', 'dev', 'side0', 'table', '77']);
  await run('ip', ['route', 'add', 'blackhole', '10.0.2.0/24']);
  await run('ip', ['-6', 'route', 'add', 'fd42::/64', 'dev', 'side0', 'table', '77']);
  // Draws 10.0.0, 10.0.1, 10.0.2, 10.0.3, then fd42:0:0:0, then fd42:1:0:0.
  const draws = [0, 1, 2, 3, 0, 0, 0, 1, 0, 0].map((number) => number / 65536);
  const driver = createBridgeDriver({ stateDir: firstDirectory, random: () => draws.shift() ?? 0 });
  expect(await driver.chooseSubnets([])).toEqual({ ipv4: '10.0.3.1/24', ipv6: 'fd42:1::1/64' });
  expect((await listHostInterfaces()).find((link) => link.name === 'side0')).toMatchObject({
    type: 'bridge',
    state: {
      state: 'up',
      addresses: expect.arrayContaining([expect.objectContaining({ address: '10.0.0.5', netmask: '24' })]),
    },
  });
  await run('ip', ['link', 'delete', 'side0']);
  await run('ip', ['route', 'del', 'blackhole', '10.0.2.0/24']);
});

it('refuses a state directory that dnsmasq cannot read its hosts in, and says what to do', async () => {
  await chmod(firstDirectory, 0o700);
  const driver = createBridgeDriver({ stateDir: firstDirectory });
  const before = (await listHostInterfaces()).map((link) => link.name);
  await expect(driver.ensureNetwork(one)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('chmod o+x'),
  });
  expect((await listHostInterfaces()).map((link) => link.name)).toEqual(before);
});
