import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '@stapes/runtime/host/run';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { LxcFixture, sh, until } from './lxc-fixture.ts';

const image = '/var/cache/stapes/images/debian-12-amd64.tar.zst';
const fixture = new LxcFixture();
const driver = createLxcDriver({ stateDir: fixture.stateDir });
const rootfs = join(fixture.stateDir, 'volumes/debian/rootfs');
beforeAll(() => {
  sh('ip', 'link', 'add', 'brsysd', 'type', 'bridge');
  sh('ip', 'addr', 'add', '10.199.7.1/24', 'dev', 'brsysd');
  sh('ip', 'link', 'set', 'brsysd', 'up');
});
afterAll(async () => {
  for (const id of (await driver.inspectAll()).keys()) await driver.removeConfigured({ id });
  fixture.remove();
});

/** The prepared image is the real thing; without it (no Debian mirror when the host was prepared) there is nothing to boot. */
test.skipIf(!existsSync(image))(
  'Debian with systemd boots unprivileged, has its address, and shuts down when asked',
  async () => {
    mkdirSync(join(rootfs, '..'), { recursive: true });
    sh('tar', '--zstd', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', join(rootfs, '..'), '-xf', image);
    for (const nesting of [false, true]) {
      const nic = { device: 'eth0', name: 'eth0', hostName: 'vsysd1', hwaddr: '10:66:6a:00:07:02', bridge: 'brsysd' };
      const spec = fixture.spec(rootfs, {
        nics: [nic],
        nesting,
        limits: { memoryBytes: 1_073_741_824, processes: 500, disk: [], nic: [] },
      });
      await driver.ensureConfigured(spec);
      await driver.ensureStarted(spec.ref);
      const inside = async (...command: string[]) => {
        const attach = await driver.can.exec!.command(spec.ref, {
          command,
          environment: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        });
        return run(attach.file, attach.args, {
          env: attach.env,
          okCodes: Array.from({ length: 256 }, (_, code) => code),
        });
      };
      const state = await until(
        'the boot',
        async () => {
          const { stdout } = await inside('systemctl', 'is-system-running');
          return ['running', 'degraded'].includes(stdout.trim()) ? stdout.trim() : null;
        },
        90_000,
      );
      const failed = (await inside('systemctl', 'list-units', '--state=failed', '--plain', '--no-legend')).stdout;
      expect(failed).toBe('');
      expect(state).toBe('running');
      await inside('ip', 'addr', 'add', '10.199.7.2/24', 'dev', 'eth0');
      const usage = (await driver.usage([spec.ref])).get(spec.ref.id)!;
      expect(usage.processes).toBeGreaterThan(3);
      expect(usage.network['eth0']!.addresses).toContainEqual({
        family: 'inet',
        address: '10.199.7.2',
        netmask: '24',
        scope: 'global',
      });
      expect(usage.network['lo']!.addresses).toContainEqual({
        family: 'inet',
        address: '127.0.0.1',
        netmask: '8',
        scope: 'local',
      });
      expect(usage.network['eth0']).toMatchObject({
        hwaddr: nic.hwaddr,
        host_name: 'vsysd1',
        mtu: 1500,
        state: 'up',
        type: 'broadcast',
      });
      await driver.ensureStopped(spec.ref, { graceMs: 90_000, force: false });
      await driver.removeConfigured(spec.ref);
    }
  },
  240_000,
);
