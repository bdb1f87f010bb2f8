import { expect, makeInstance, test, visit } from './fixtures.ts';
import { expectAccessible } from './accessible.ts';

test.beforeAll(({ server }) => makeInstance(server, 'asked'));

for (const theme of ['light', 'dark'] as const) {
  test(`every dialog is accessible in ${theme}`, async ({ signedIn: page, server }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    const check = async (name: string | RegExp, width = 1440) => {
      await page.setViewportSize({ width, height: 900 });
      const dialog = page.getByRole('dialog', { name });
      await expect(dialog).toBeVisible();
      await expect(dialog.locator('.animate-pulse')).toHaveCount(0);
      await expectAccessible(page);
      const box = await dialog.boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual(0);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
      await page.keyboard.press('Escape');
      await expect(dialog).toHaveCount(0);
    };
    await page.keyboard.press('c');
    await check('Create instance');
    await page.keyboard.press('c');
    await check('Create instance', 390);
    await page.keyboard.press('Control+K');
    await check('Search and commands');
    await page.keyboard.press('?');
    await check('Keyboard shortcuts', 390);
    await page.getByRole('button', { name: /^Operations/ }).click();
    await check('Operations', 390);
    await page.setViewportSize({ width: 1440, height: 900 });
    await visit(page, `${server.origin}/instance?name=asked&tab=snapshots`);
    await page.getByRole('button', { name: 'Take snapshot' }).first().click();
    await check(/Take a snapshot/, 390);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Force stop' }).click();
    await check(/Force asked/);
    await visit(page, `${server.origin}/images`);
    await page.getByRole('button', { name: 'Import image' }).first().click();
    await check('Import an image', 390);
    await visit(page, `${server.origin}/networks`);
    await page.getByRole('button', { name: 'Create network' }).click();
    await check('Create network', 390);
    await visit(page, `${server.origin}/storage`);
    await page.getByRole('button', { name: 'Create pool' }).click();
    await check('Create storage pool', 390);
  });
}
