import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createImageBuilder } from '@stapes/runtime/images/builder/image-builder';
import { createImageStore } from '@stapes/runtime/images/image-store';
import { createLxcDriver } from '@stapes/runtime/instances/lxc/lxc-driver';
import { createStorageDrivers } from '@stapes/runtime/storage/create-drivers';
import type { PoolRef } from '@stapes/runtime/storage/driver';
import { LxcFixture, sh, until } from './lxc-fixture.ts';

/** The way of an instance through image, pool and container, for each kind of pool; unprivileged, so that its root has to reach its tree. */
describe.each(['dir', 'btrfs'])('an instance on %s', (kind) => {
  const fixture = new LxcFixture();
  const { stateDir } = fixture;
  const instances = createLxcDriver({ stateDir });
  const driver = createStorageDrivers({ stateDir })[kind]!;
  const pool: PoolRef = { id: 'pool1', driver: kind, config: kind === 'btrfs' ? { size: '512MiB' } : {} };
  afterAll(async () => {
    for (const id of (await instances.inspectAll()).keys()) await instances.removeConfigured({ id });
    for (const name of existsSync(join(stateDir, 'storage-pools')) && kind === 'btrfs'
      ? readdirSync(join(stateDir, 'storage-pools'))
      : [])
      sh('umount', '--lazy', join(stateDir, 'storage-pools', name));
    fixture.remove();
  });

  it('starts unprivileged, stops when asked, and is out of the reach of host users', async () => {
    const path = join(stateDir, 'busybox.tar.zst');
    await createImageBuilder({ cacheDir: join(stateDir, 'cache') }).build('busybox', path, {});
    const stored = { metadataPath: path, rootfsPath: null };
    const image = { pool, fingerprint: (await createImageStore().inspect(stored)).fingerprint };
    await driver.ensurePool(pool);
    await driver.images.ensure(image, (directory) =>
      createImageStore().unpackRootfs(stored, directory, { maxBytes: 2 ** 30, maxEntries: 10_000 }),
    );
    const volume = { pool, id: 'vol1' };
    await driver.volumes.ensureFromImage(volume, image);
    const spec = fixture.spec(driver.volumes.rootfs(volume));
    await instances.ensureConfigured(spec);
    await instances.ensureStarted(spec.ref);
    expect((await instances.inspect(spec.ref)).status).toBe('Running');
    expect(() =>
      sh('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'ls', driver.volumes.rootfs(volume)),
    ).toThrow();
    await instances.ensureStopped(spec.ref, { graceMs: 30_000, force: false });
    await until(
      'the stop',
      async () => ((await instances.inspect(spec.ref)).status === 'Stopped' ? true : null),
      30_000,
    );
    await instances.removeConfigured(spec.ref);
    await driver.volumes.remove(volume);
    await driver.removePool(pool);
  });
});
