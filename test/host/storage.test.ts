import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PoolRef, StorageDriver } from '@stapes/runtime/storage/driver';
import { storageDriverContract } from '@stapes/runtime/storage/driver.contract';
import { createStorageDrivers } from '@stapes/runtime/storage/create-drivers';

function driverOf(name: string): { driver: StorageDriver; stateDir: string; cleanUp: () => Promise<void> } {
  const stateDir = mkdtempSync('/var/tmp/stapes-test-storage-');
  const driver = createStorageDrivers({ stateDir })[name];
  if (!driver) throw new Error(`no driver ${name}`);
  const cleanUp = () => {
    const pools = join(stateDir, 'storage-pools');
    for (const pool of existsSync(pools) ? readdirSync(pools) : []) unmount(join(pools, pool));
    rmSync(stateDir, { recursive: true, force: true });
    return Promise.resolve();
  };
  return { driver, stateDir, cleanUp };
}

function unmount(path: string): void {
  try {
    execFileSync('umount', [path], { stdio: 'ignore' });
  } catch {
    // it was not mounted
  }
}

storageDriverContract('dir', async () => ({ ...driverOf('dir'), poolConfig: {} }));
storageDriverContract('btrfs', async () => ({ ...driverOf('btrfs'), poolConfig: { size: '512MiB' } }));

describe('btrfs on a real file system', () => {
  const { driver, stateDir, cleanUp } = driverOf('btrfs');
  const pool: PoolRef = { id: 'pool1', driver: 'btrfs', config: { size: '512MiB' } };
  const image = { pool, fingerprint: 'a'.repeat(64) };
  const mountpoint = join(stateDir, 'storage-pools/pool1');
  beforeAll(async () => {
    await driver.ensurePool(pool);
    await driver.images.ensure(image, (directory) => writeFile(join(directory, 'file'), 'x'));
  });
  afterAll(cleanUp);
  const attached = () =>
    execFileSync('losetup', ['--associated', join(stateDir, 'disks/pool1.img')])
      .toString()
      .trim();

  it('comes back after the host has rebooted, and clears what was in progress', async () => {
    const volume = { pool, id: 'reboot1' };
    await driver.volumes.ensureFromImage(volume, image);
    execFileSync('btrfs', ['subvolume', 'create', join(mountpoint, 'volumes/.new-0123456789ab')]);
    unmount(mountpoint);
    expect(existsSync(driver.volumes.rootfs(volume))).toBe(false);
    await driver.ensurePool(pool);
    expect(existsSync(join(driver.volumes.rootfs(volume), 'file'))).toBe(true);
    expect(readdirSync(join(mountpoint, 'volumes'))).toEqual(['reboot1']);
    await driver.volumes.remove(volume);
  });

  it('finds a loop device again that was left attached', async () => {
    unmount(mountpoint);
    execFileSync('losetup', ['--find', join(stateDir, 'disks/pool1.img')]);
    await driver.ensurePool(pool);
    expect(attached().split('\n')).toHaveLength(1);
    expect(await driver.images.has(image)).toBe(true);
  });

  it('enforces a limit, and keeps it over a restore', async () => {
    const volume = { pool, id: 'limit1' };
    const limit = 16 * 1024 * 1024;
    await driver.volumes.ensureFromImage(volume, image);
    await driver.volumes.setQuota(volume, limit);
    await driver.volumes.ensureSnapshot({ ...volume, snapshotId: 's1' });
    await driver.volumes.restoreSnapshot({ ...volume, snapshotId: 's1' });
    expect((await driver.volumes.usage(pool, ['limit1'])).get('limit1')?.totalBytes).toBe(limit);
    const overfill = () =>
      execFileSync(
        'dd',
        ['if=/dev/urandom', `of=${driver.volumes.rootfs(volume)}/big`, 'bs=1M', 'count=64', 'conv=fsync'],
        { stdio: 'pipe' },
      );
    expect(overfill).toThrow(/quota/i);
    await driver.volumes.remove(volume);
  });

  it('copies and deletes subvolumes that an instance has made', async () => {
    const [volume, copy] = [
      { pool, id: 'nest1' },
      { pool, id: 'nest2' },
    ];
    const bystander = { pool, id: 'nest3' };
    for (const each of [volume, bystander]) await driver.volumes.ensureFromImage(each, image);
    const root = driver.volumes.rootfs(volume);
    await mkdir(join(root, 'var'));
    for (const path of ['var/sub', 'var/sub/deep', 'odd\nID 5 gen 1 top level 5 path volumes']) {
      execFileSync('btrfs', ['subvolume', 'create', join(root, path)]);
      writeFileSync(join(root, path, 'file'), path);
    }
    // A path in the list must not lead out through a link.
    await symlink(driver.volumes.rootfs(bystander), join(root, 'link'));
    await driver.volumes.ensureSnapshot({ ...volume, snapshotId: 's1' });
    await driver.volumes.ensureFromVolume(copy, { ...volume, snapshotId: 's1' });
    expect(existsSync(join(driver.volumes.rootfs(copy), 'var/sub/deep/file'))).toBe(true);
    await driver.volumes.restoreSnapshot({ ...volume, snapshotId: 's1' });
    expect(existsSync(join(root, 'var/sub/deep/file'))).toBe(true);
    for (const each of [copy, volume]) await driver.volumes.remove(each);
    expect(readdirSync(join(mountpoint, 'volumes'))).toEqual(['nest3']);
    expect(existsSync(join(driver.volumes.rootfs(bystander), 'file'))).toBe(true);
  });

  it('has room again right after a big delete', async () => {
    const content = Buffer.alloc(8 * 1024 * 1024, 'x');
    for (let round = 0; round < 4; round++) {
      const big = { pool, fingerprint: String(round).repeat(64) };
      await driver.images.ensure(big, async (directory) => {
        for (let index = 0; index < 24; index++) await writeFile(join(directory, `part${index}`), content);
      });
      await driver.images.remove(big);
    }
  });

  it('lets its loop device go when it is removed', async () => {
    for (const id of readdirSync(join(mountpoint, 'volumes'))) await driver.volumes.remove({ pool, id });
    const disk = join(stateDir, 'disks/pool1.img');
    unmount(mountpoint);
    execFileSync('losetup', ['--find', disk]);
    await driver.ensurePool(pool);
    await driver.removePool(pool);
    expect(execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']).toString()).not.toContain(
      stateDir,
    );
    expect(readdirSync(join(stateDir, 'disks'))).toEqual([]);
  });
});

describe('btrfs on what is there', () => {
  it('takes an empty directory on btrfs as its source, and refuses others', async () => {
    const host = driverOf('btrfs');
    const guest = driverOf('btrfs');
    const outer: PoolRef = { id: 'outer1', driver: 'btrfs', config: { size: '512MiB' } };
    try {
      await host.driver.ensurePool(outer);
      const source = join(host.stateDir, 'storage-pools/outer1/given');
      await mkdir(source);
      const inner: PoolRef = { id: 'inner1', driver: 'btrfs', config: { source } };
      await guest.driver.ensurePool(inner);
      await guest.driver.volumes.ensureEmpty({ pool: inner, id: 'vol1' });
      await guest.driver.volumes.setQuota({ pool: inner, id: 'vol1' }, 64 * 1024 * 1024);
      expect((await guest.driver.volumes.usage(inner, ['vol1'])).get('vol1')?.totalBytes).toBe(64 * 1024 * 1024);
      await guest.driver.volumes.remove({ pool: inner, id: 'vol1' });
      await guest.driver.removePool(inner);
      expect(readdirSync(source)).toEqual([]);
      await writeFile(join(source, 'mine'), 'x');
      await expect(guest.driver.ensurePool(inner)).rejects.toMatchObject({ code: 'in-use' });
      const elsewhere = { ...inner, config: { source: guest.stateDir } };
      await expect(guest.driver.ensurePool(elsewhere)).rejects.toMatchObject({ code: 'invalid' });
    } finally {
      await guest.cleanUp();
      await host.cleanUp();
    }
  });
});
