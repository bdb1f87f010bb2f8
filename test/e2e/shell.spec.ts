import { expect, makeInstance, test, visit } from './fixtures.ts';

test.beforeAll(({ server }) => makeInstance(server, 'jump'));

test('the palette finds pages, instances and actions, by keyboard alone', async ({ signedIn: page }) => {
  await page.keyboard.press('Control+K');
  const palette = page.getByRole('dialog', { name: 'Search and commands' });
  await expect(palette.getByRole('option', { name: 'jump' }).first()).toBeVisible();
  await page.keyboard.type('storage');
  await expect(palette.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Storage' })).toBeVisible();
  await page.keyboard.press('Control+K');
  await page.keyboard.type('name:jump status:running');
  await expect(palette.getByRole('option').first()).toContainText('jump');
  await page.keyboard.press('ArrowDown');
  await expect(palette.getByRole('option', { name: 'Terminal of jump' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Connected', { exact: true })).toBeVisible();
  await expect(page.getByRole('heading', { level: 1, name: 'jump' })).toBeVisible();
});

test('shortcuts: help, go to, create', async ({ signedIn: page }) => {
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(help).toContainText('Command palette');
  await page.keyboard.press('Escape');
  await expect(help).toHaveCount(0);
  await page.keyboard.press('g');
  await page.keyboard.press('n');
  await expect(page.getByRole('heading', { level: 1, name: 'Networks' })).toBeVisible();
  await page.keyboard.press('c');
  await expect(page.getByRole('dialog', { name: 'Create instance' })).toBeVisible();
});

test('a lost connection is said for as long as it lasts, and the state is true again after it', async ({
  signedIn: page,
  server,
}) => {
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'jump', exact: true }) });
  await expect(row).toContainText('Running');
  await server.kill('SIGKILL');
  const line = page.getByText(/Connection lost, showing state from/);
  await expect(line).toBeVisible();
  await server.start();
  await expect(line).toHaveCount(0, { timeout: 60_000 });
  await server.rest.finish('PUT', '/1.0/instances/jump/state', { action: 'stop', force: true });
  await expect(row).toContainText('Stopped');
});

test('the text of a failed operation is kept, over a reload too', async ({ signedIn: page, server }) => {
  await makeInstance(server, 'fails', { start: false });
  await server.rest.call('PATCH', '/1.0/instances/fails', {
    devices: { lost: { type: 'disk', source: '/nowhere/at-all', path: '/mnt' } },
  });
  await visit(page, `${server.origin}/instance?name=fails`);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: '/nowhere/at-all' }).first()).toBeVisible();
  await visit(page, page.url());
  await page.getByRole('button', { name: /^Operations/ }).click();
  const tray = page.getByRole('dialog', { name: 'Operations' });
  await expect(tray.getByText('/nowhere/at-all').first()).toBeVisible();
  await expect(tray.getByRole('button', { name: 'Copy the error' }).first()).toBeVisible();
});

test('the theme is chosen in the account menu and kept', async ({ signedIn: page }) => {
  const ink = () => page.evaluate(() => getComputedStyle(document.body).color);
  const choose = async (theme: string) => {
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: theme }).click();
  };
  await choose('Light');
  const light = await ink();
  await choose('Dark');
  await expect.poll(ink).not.toBe(light);
  const dark = await ink();
  await page.reload();
  expect(await ink()).toBe(dark);
  await choose('Light');
  await expect.poll(ink).toBe(light);
});
