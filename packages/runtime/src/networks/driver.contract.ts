import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NetworkDriver, NetworkSpec, PortSpec } from './driver.ts';

export interface NetworkDriverUnderTest {
  driver: NetworkDriver;
  /** A new server over the same state. */
  restarted(): NetworkDriver;
  remove(): Promise<void>;
}

export const exampleNetwork = (changes: Partial<NetworkSpec> = {}): NetworkSpec => ({
  ref: { id: 'net1', name: 'lab', interfaceName: 'lab0' },
  ipv4: {
    address: '10.77.1.1/24',
    nat: true,
    dhcp: true,
    dhcpRanges: [],
    dhcpExpiry: '1h',
    firewall: true,
    routing: true,
  },
  ipv6: { address: 'fd42:77:1:1::1/64', nat: true, dhcp: true, stateful: false, firewall: true, routing: true },
  dns: { domain: 'stapes', mode: 'managed' },
  ...changes,
});

export const examplePort = (changes: Partial<PortSpec> = {}): PortSpec => ({
  network: exampleNetwork().ref,
  portId: 'port1',
  hostName: 'st0001',
  hwaddr: '10:66:6a:00:00:01',
  hostname: 'web',
  filter: { mac: false, ipv4: false, ipv6: false },
  isolated: false,
  ...changes,
});

/** What every network driver does. */
export function networkDriverContract(name: string, create: () => Promise<NetworkDriverUnderTest>): void {
  describe(`network driver ${name}`, () => {
    let test: NetworkDriverUnderTest;
    const spec = exampleNetwork();
    const addresses = async (driver: NetworkDriver) =>
      (await driver.inspect(spec.ref))?.addresses.map((entry) => entry.address);

    beforeEach(async () => {
      test = await create();
    });
    afterEach(() => test.remove());

    it('can be used here', async () => {
      expect(await test.driver.probe()).toBeNull();
    });

    it('makes a network, again and again, and removes it, again and again', async () => {
      expect(await test.driver.inspect(spec.ref)).toBeNull();
      await test.driver.ensureNetwork(spec);
      await test.driver.ensureNetwork(spec);
      expect(await test.driver.inspect(spec.ref)).toMatchObject({ state: 'up', mtu: 1500 });
      expect(await addresses(test.driver)).toEqual(expect.arrayContaining(['10.77.1.1', 'fd42:77:1:1::1']));
      await test.driver.removeNetwork(spec.ref);
      await test.driver.removeNetwork(spec.ref);
      expect(await test.driver.inspect(spec.ref)).toBeNull();
      expect(await test.driver.leases(spec.ref)).toEqual([]);
    });

    it('brings a network up to date', async () => {
      await test.driver.ensureNetwork(spec);
      await test.driver.ensureNetwork({
        ...spec,
        ipv4: { ...spec.ipv4!, address: '10.77.2.1/24' },
        ipv6: null,
        mtu: 1400,
      });
      expect((await test.driver.inspect(spec.ref))?.mtu).toBe(1400);
      expect(await addresses(test.driver)).toEqual(['10.77.2.1']);
    });

    it('picks subnets that are not taken', async () => {
      const first = await test.driver.chooseSubnets([]);
      expect(first.ipv4).toMatch(/^10\.\d+\.\d+\.1\/24$/);
      expect(first.ipv6).toMatch(/^fd42:.*\/64$/);
      const second = await test.driver.chooseSubnets([first.ipv4, first.ipv6]);
      expect(second.ipv4).not.toBe(first.ipv4);
      expect(second.ipv6).not.toBe(first.ipv6);
    });

    it('knows fixed addresses and its own', async () => {
      await test.driver.ensureNetwork(spec);
      await test.driver.ensurePort(examplePort({ ipv4Address: '10.77.1.50' }));
      await test.driver.ensurePort(examplePort({ ipv4Address: '10.77.1.50' }));
      const expected = expect.arrayContaining([
        expect.objectContaining({ address: '10.77.1.1', type: 'gateway' }),
        { hostname: 'web', hwaddr: '10:66:6a:00:00:01', address: '10.77.1.50', type: 'static' },
      ]);
      expect(await test.driver.leases(spec.ref)).toEqual(expected);
      expect(await test.restarted().leases(spec.ref)).toEqual(expected);
      await test.driver.removePort(examplePort());
      await test.driver.removePort(examplePort());
      expect((await test.driver.leases(spec.ref)).filter((lease) => lease.type === 'static')).toEqual([]);
    });

    it('refuses a port of a network that is not there', async () => {
      await expect(test.driver.ensurePort(examplePort())).rejects.toMatchObject({ code: 'not-found' });
      await test.driver.removePort(examplePort());
    });

    it('refuses what could mean something else to the tools below it', async () => {
      await test.driver.ensureNetwork(spec);
      const wrong: Partial<PortSpec>[] = [
        { hostname: 'a\ndhcp-script=/bin/x' },
        { hostname: 'a,ignore' },
        { hwaddr: '10:66:6a:00:00:01,ignore' },
        { hostName: 'st*' },
        { portId: '../x' },
        { ipv4Address: '10.77.1.5,x' },
      ];
      for (const changes of wrong) {
        await expect(test.driver.ensurePort(examplePort(changes)), JSON.stringify(changes)).rejects.toMatchObject({
          code: 'invalid',
        });
      }
      await expect(test.driver.ensurePort(examplePort({ ipv4Address: '10.78.1.5' }))).rejects.toMatchObject({
        code: 'invalid',
      });
      await expect(test.driver.ensurePort(examplePort({ ipv4Address: '10.77.1.1' }))).rejects.toMatchObject({
        code: 'invalid',
      });
      expect((await test.driver.leases(spec.ref)).filter((lease) => lease.type !== 'gateway')).toEqual([]);
      await test.driver.ensurePort(examplePort({ ipv4Address: '10.77.1.5' }));
      const second = examplePort({ portId: 'port2', ipv4Address: '10.77.1.5' });
      await expect(test.driver.ensurePort(second)).rejects.toMatchObject({ code: 'exists' });
      const bad = {
        ...spec,
        ref: { ...spec.ref, id: 'net2', interfaceName: 'lab1' },
        dns: { ...spec.dns, domain: 'a\nport=0' },
      };
      await expect(test.driver.ensureNetwork(bad)).rejects.toMatchObject({ code: 'invalid' });
      expect(await test.driver.inspect(bad.ref)).toBeNull();
    });

    it('has nothing to heal when all is well', async () => {
      await test.driver.ensureNetwork(spec);
      expect(await test.driver.heal([spec])).toEqual([]);
      await test.driver.removeNetwork(spec.ref);
      // Whoever asks may not know yet that it is gone.
      expect(await test.driver.heal([spec])).toEqual([]);
      expect(await test.driver.inspect(spec.ref)).toBeNull();
    });
  });
}
