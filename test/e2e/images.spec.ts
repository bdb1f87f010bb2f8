import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test, visit } from './fixtures.ts';

let folder = '';
/** A unified image with this much that does not compress. */
function makeTar(name: string, bytes: number, tarOptions: string[] = []): string {
  const source = join(folder, name);
  mkdirSync(join(source, 'rootfs/bin'), { recursive: true });
  writeFileSync(join(source, 'rootfs/bin/data'), randomBytes(bytes));
  writeFileSync(
    join(source, 'metadata.yaml'),
    `architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  description: ${name}\n`,
  );
  const file = join(folder, `${name}.tar`);
  execFileSync('tar', ['-cf', file, ...tarOptions, '-C', source, 'metadata.yaml', 'rootfs']);
  return file;
}

test.beforeAll(() => {
  folder = mkdtempSync('/var/tmp/stapes-test-images-');
});
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));
test.beforeEach(async ({ signedIn: page, server }) => {
  await visit(page, `${server.origin}/images`);
  await expect(page.getByRole('button', { name: 'Build busybox' })).toBeVisible();
});

test('an image is uploaded with its progress, gets aliases, and is deleted', async ({ signedIn: page, server }) => {
  const file = makeTar('uploaded', 12 * 1024 * 1024);
  await page.getByRole('button', { name: 'Import image' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Import an image' });
  await dialog.getByLabel('Image, or its metadata').setInputFiles(file);
  await dialog.getByLabel(/^Alias/).fill('mine');
  const network = await page.context().newCDPSession(page);
  await network.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 4 * 1024 * 1024,
  });
  await dialog.getByRole('button', { name: 'Import' }).click();
  await expect(dialog.getByRole('progressbar', { name: 'Upload' })).toBeVisible();
  await expect(dialog).toHaveCount(0, { timeout: 60_000 });
  await network.detach();
  const row = page.getByRole('row').filter({ hasText: 'uploaded' });
  await expect(row).toContainText('mine', { timeout: 60_000 });

  await row.getByRole('button', { name: 'Actions for uploaded' }).click();
  await page.getByRole('menuitem', { name: 'Aliases' }).click();
  const aliases = page.getByRole('dialog', { name: 'Aliases' });
  await aliases.getByLabel('New alias').fill('second/one');
  await aliases.getByRole('button', { name: 'Add' }).click();
  await expect(aliases.getByRole('listitem').filter({ hasText: 'second/one' })).toBeVisible();
  await aliases.getByLabel('New alias').fill('mine');
  await aliases.getByRole('button', { name: 'Add' }).click();
  await expect(aliases.getByRole('alert')).toContainText('mine');
  await aliases.getByRole('button', { name: 'Remove alias mine' }).click();
  await expect(aliases.getByRole('listitem')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(row).toContainText('second/one');
  expect((await server.rest.get('/1.0/images/aliases/mine')).status).toBe(404);

  await row.getByRole('button', { name: 'Actions for uploaded' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete image' }).click();
  await expect(row).toHaveCount(0);
});

test('a recipe is built here', async ({ signedIn: page, server }) => {
  await page.getByRole('button', { name: 'Build busybox' }).click();
  await expect
    .poll(async () => (await server.rest.get('/1.0/images/aliases/busybox')).status, { timeout: 60_000 })
    .toBe(200);
  await expect(page.getByRole('row').filter({ hasText: 'BusyBox' })).toBeVisible();
});

test('a hostile image is refused, and the whole reason stays readable', async ({ signedIn: page }) => {
  const file = makeTar('hostile', 100, ['-P', '--transform', 's,^rootfs/bin/data,rootfs/../../../escaped,']);
  await page.getByRole('button', { name: 'Import image' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Import an image' });
  await dialog.getByLabel('Image, or its metadata').setInputFiles(file);
  await dialog.getByRole('button', { name: 'Import' }).click();
  const error = page.getByRole('alert').filter({ hasText: 'escaped' }).first();
  await expect(error).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('row').filter({ hasText: 'hostile' })).toHaveCount(0);
});
