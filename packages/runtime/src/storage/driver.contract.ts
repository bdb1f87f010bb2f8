import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageRef, PoolRef, StorageDriver, VolumeRef } from './driver.ts';

export interface ContractSubject {
  driver: StorageDriver;
  poolConfig: Record<string, string>;
  cleanUp(): Promise<void>;
}

/** What every storage driver must do; each runs it from a test of its own. */
export function storageDriverContract(name: string, make: () => Promise<ContractSubject>): void {
  describe(`storage driver ${name}`, () => {
    let subject: ContractSubject;
    let driver: StorageDriver;
    let pool: PoolRef;
    let image: ImageRef;
    const fresh = (): VolumeRef => ({ pool, id: `v${randomBytes(6).toString('hex')}` });
    const read = (volume: VolumeRef, path: string) => readFile(join(driver.volumes.rootfs(volume), path), 'utf8');
    const write = (volume: VolumeRef, path: string, text: string) =>
      writeFile(join(driver.volumes.rootfs(volume), path), text);
    const fill = async (directory: string) => {
      await mkdir(join(directory, 'etc'));
      await writeFile(join(directory, 'etc/os-release'), 'image');
      await symlink('os-release', join(directory, 'etc/link'));
    };

    beforeAll(async () => {
      subject = await make();
      driver = subject.driver;
      pool = { id: 'pool1', driver: driver.name, config: subject.poolConfig };
      image = { pool, fingerprint: 'a'.repeat(64) };
      await driver.ensurePool(pool);
      await driver.images.ensure(image, fill);
    });
    afterAll(async () => subject.cleanUp());

    it('can be used on this host', async () => {
      expect(await driver.probe()).toBeNull();
    });

    it('makes a pool twice and tells its room', async () => {
      await driver.ensurePool(pool);
      const usage = await driver.poolUsage(pool);
      expect(usage.totalBytes).toBeGreaterThan(0);
      expect(usage.usedBytes).toBeLessThanOrEqual(usage.totalBytes);
    });

    it('keeps the pool from everybody but its owner', async () => {
      expect((await stat(join(driver.volumes.rootfs({ pool, id: 'x1' }), '../..'))).mode & 0o777).toBe(0o700);
    });

    it('unpacks an image once', async () => {
      expect(await driver.images.has(image)).toBe(true);
      await driver.images.ensure(image, () => Promise.reject(new Error('must not be filled again')));
    });

    it('leaves no image when it cannot be filled', async () => {
      const broken = { pool, fingerprint: 'b'.repeat(64) };
      const failing = driver.images.ensure(broken, async (directory) => {
        await writeFile(join(directory, 'half'), 'x');
        throw new Error('the archive is bad');
      });
      await expect(failing).rejects.toThrow('the archive is bad');
      expect(await driver.images.has(broken)).toBe(false);
      await driver.images.ensure(broken, fill);
      expect(await driver.images.has(broken)).toBe(true);
      await driver.images.remove(broken);
      await driver.images.remove(broken);
      expect(await driver.images.has(broken)).toBe(false);
    });

    it('makes volumes and snapshots of trees that lie elsewhere, and snapshots of snapshots', async () => {
      const [source, copy, other] = [fresh(), fresh(), fresh()];
      await driver.volumes.ensureFromImage(source, image);
      await driver.volumes.ensureSnapshot({ ...source, snapshotId: 's1' });
      await write(source, 'later', 'yes');
      await driver.volumes.ensureFromTree(copy, driver.volumes.rootfs(source));
      const kept = { ...copy, snapshotId: 's2' };
      await driver.volumes.ensureFromTree(kept, driver.volumes.snapshotRootfs({ ...source, snapshotId: 's1' }));
      await driver.volumes.ensureFromVolume(other, source);
      await driver.volumes.ensureFromVolume({ ...other, snapshotId: 's3' }, { ...source, snapshotId: 's1' });
      expect(await read(copy, 'later')).toBe('yes');
      expect(await readlink(join(driver.volumes.rootfs(copy), 'etc/link'))).toBe('os-release');
      await write(copy, 'mine', 'yes');
      for (const snapshot of [kept, { ...other, snapshotId: 's3' }]) {
        await driver.volumes.restoreSnapshot(snapshot);
        expect(existsSync(join(driver.volumes.rootfs(snapshot), 'later'))).toBe(false);
        await write(snapshot, 'again', 'yes');
      }
      expect(existsSync(join(driver.volumes.rootfs(source), 'mine'))).toBe(false);
      for (const volume of [source, copy, other]) await driver.volumes.remove(volume);
      await expect(driver.volumes.ensureFromTree(fresh(), '/nonexistent')).rejects.toMatchObject({ code: 'not-found' });
    });

    it('makes an empty volume and keeps what is in it when asked again', async () => {
      const volume = fresh();
      await driver.volumes.ensureEmpty(volume);
      await write(volume, 'kept', 'yes');
      await driver.volumes.ensureEmpty(volume);
      expect(await read(volume, 'kept')).toBe('yes');
      await driver.volumes.remove(volume);
    });

    it('makes volumes from an image that do not share what is written', async () => {
      const [one, other] = [fresh(), fresh()];
      await driver.volumes.ensureFromImage(one, image);
      await driver.volumes.ensureFromImage(other, image);
      await write(one, 'etc/os-release', 'changed');
      await driver.volumes.ensureFromImage(one, image);
      expect(await read(one, 'etc/os-release')).toBe('changed');
      expect(await read(other, 'etc/os-release')).toBe('image');
      expect(await readlink(join(driver.volumes.rootfs(other), 'etc/link'))).toBe('os-release');
      await driver.volumes.remove(one);
      await driver.volumes.remove(other);
      expect(existsSync(driver.volumes.rootfs(one))).toBe(false);
    });

    it('refuses to make a volume of what is not there', async () => {
      await expect(
        driver.volumes.ensureFromImage(fresh(), { pool, fingerprint: 'c'.repeat(64) }),
      ).rejects.toMatchObject({ code: 'not-found' });
      await expect(driver.volumes.ensureFromVolume(fresh(), fresh())).rejects.toMatchObject({ code: 'not-found' });
    });

    it('copies a volume and a snapshot', async () => {
      const [source, copy, older] = [fresh(), fresh(), fresh()];
      await driver.volumes.ensureFromImage(source, image);
      await driver.volumes.ensureSnapshot({ ...source, snapshotId: 's1' });
      await write(source, 'later', 'x');
      await driver.volumes.ensureFromVolume(copy, source);
      await driver.volumes.ensureFromVolume(older, { ...source, snapshotId: 's1' });
      await write(older, 'own', 'x');
      expect(existsSync(join(driver.volumes.rootfs(copy), 'later'))).toBe(true);
      expect(existsSync(join(driver.volumes.rootfs(older), 'later'))).toBe(false);
      for (const volume of [source, copy, older]) await driver.volumes.remove(volume);
    });

    it('snapshots, restores more than once, and removes', async () => {
      const volume = fresh();
      const snapshot = { ...volume, snapshotId: 's1' };
      await driver.volumes.ensureFromImage(volume, image);
      await driver.volumes.ensureSnapshot(snapshot);
      await write(volume, 'etc/os-release', 'changed');
      await write(volume, 'new', 'x');
      await driver.volumes.ensureSnapshot(snapshot);
      expect(await readFile(join(driver.volumes.snapshotRootfs(snapshot), 'etc/os-release'), 'utf8')).toBe('image');
      for (let round = 0; round < 2; round++) {
        await driver.volumes.restoreSnapshot(snapshot);
        expect(await read(volume, 'etc/os-release')).toBe('image');
        expect(existsSync(join(driver.volumes.rootfs(volume), 'new'))).toBe(false);
        await write(volume, 'new', 'x');
      }
      await driver.volumes.removeSnapshot(snapshot);
      await driver.volumes.removeSnapshot(snapshot);
      await expect(driver.volumes.restoreSnapshot(snapshot)).rejects.toMatchObject({ code: 'not-found' });
      expect(await read(volume, 'new')).toBe('x');
      await driver.volumes.remove(volume);
    });

    it('removes a volume with its snapshots, and an absent one', async () => {
      const volume = fresh();
      const snapshot = { ...volume, snapshotId: 's1' };
      await driver.volumes.ensureFromImage(volume, image);
      await driver.volumes.ensureSnapshot(snapshot);
      await driver.volumes.remove(volume);
      await driver.volumes.remove(volume);
      expect(existsSync(driver.volumes.snapshotRootfs(snapshot))).toBe(false);
    });

    it('limits the size of a volume, or says that it cannot', async () => {
      const volume = fresh();
      await driver.volumes.ensureFromImage(volume, image);
      await driver.volumes.setQuota(volume, null);
      if (!driver.can.quota)
        await expect(driver.volumes.setQuota(volume, 1024 ** 3)).rejects.toMatchObject({ code: 'unsupported' });
      else {
        await driver.volumes.setQuota(volume, 1024 ** 3);
        expect((await driver.volumes.usage(pool, [volume.id])).get(volume.id)?.totalBytes).toBe(1024 ** 3);
        await write(volume, 'big', 'x'.repeat(4 * 1024 * 1024));
        await expect(driver.volumes.setQuota(volume, 1024 * 1024)).rejects.toMatchObject({ code: 'no-space' });
      }
      await driver.volumes.remove(volume);
    });

    it('tells the usage of many volumes at once', async () => {
      const volumes = [fresh(), fresh()];
      for (const volume of volumes) await driver.volumes.ensureFromImage(volume, image);
      const usage = await driver.volumes.usage(pool, [...volumes.map(({ id }) => id), 'absent1']);
      expect(usage.has('absent1')).toBe(false);
      if (driver.can.quota) expect([...usage.keys()].sort()).toEqual(volumes.map(({ id }) => id).sort());
      for (const volume of volumes) await driver.volumes.remove(volume);
    });

    it('refuses ids that could name another path', async () => {
      for (const id of ['..', 'a/b', '', '.x', 'a\nb'])
        await expect(async () => driver.volumes.ensureEmpty({ pool, id })).rejects.toThrow();
    });

    it('refuses to remove a pool that is in use, then removes it, twice', async () => {
      const volume = fresh();
      await driver.volumes.ensureEmpty(volume);
      await expect(driver.removePool(pool)).rejects.toMatchObject({ code: 'in-use' });
      await driver.volumes.remove(volume);
      await driver.removePool(pool);
      await driver.removePool(pool);
      expect(await driver.images.has(image)).toBe(false);
    });
  });
}
