import { expect, makeInstance, test, visit } from './fixtures.ts';

test('a network is made, gives out a lease, refuses to go while in use, and goes', async ({
  signedIn: page,
  server,
}) => {
  await visit(page, `${server.origin}/networks`);
  await page.getByRole('button', { name: 'Create network' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create network' });
  await dialog.getByLabel('Name', { exact: true }).fill('e2enet');
  await dialog.getByLabel('ipv4.address').fill('10.300.0.1/24');
  await expect(dialog.getByLabel('ipv4.address')).toHaveAttribute('aria-invalid', 'true');
  await dialog.getByLabel('ipv4.address').fill('10.211.7.1/24');
  await dialog.getByRole('button', { name: 'Create network' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'e2enet' })).toBeVisible();
  await expect(page.getByText('10.211.7.1/24').first()).toBeVisible();
  await expect(page.getByRole('region', { name: 'Leases of e2enet' })).toContainText('e2enet.gw');

  await makeInstance(server, 'leased', {
    devices: { eth0: { type: 'nic', name: 'eth0', network: 'e2enet' } },
  });
  const row = page.getByRole('region', { name: 'Leases of e2enet' }).getByRole('row').filter({ hasText: 'leased' });
  await expect(async () => {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect(row.filter({ hasText: '10.211.7.' })).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 60_000 });

  await visit(page, page.url());
  const remove = page.getByRole('button', { name: 'Delete', exact: true });
  await expect(remove).toHaveAttribute('aria-disabled', 'true');
  await expect(remove).toHaveAccessibleDescription('It is in use');
  await expect(page.getByRole('link', { name: 'leased' })).toBeVisible();
  await server.rest.finish('PUT', '/1.0/instances/leased/state', { action: 'stop', force: true });
  await server.rest.finish('DELETE', '/1.0/instances/leased');
  await visit(page, page.url());
  await remove.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete network' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Networks' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'e2enet' })).toHaveCount(0);
});

test('a pool is made, shows what it holds, is changed, and goes; one in use stays', async ({
  signedIn: page,
  server,
}) => {
  await visit(page, `${server.origin}/storage`);
  await expect(page.getByRole('progressbar', { name: 'Usage of default' })).toBeVisible();
  await page.getByRole('button', { name: 'Create pool' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create storage pool' });
  await dialog.getByLabel('Name', { exact: true }).fill('default');
  await dialog.getByLabel('Driver').selectOption('dir');
  await dialog.getByRole('button', { name: 'Create pool' }).click();
  await expect(dialog.getByRole('alert')).toContainText('default');
  await dialog.getByLabel('Name', { exact: true }).fill('e2epool');
  await dialog.getByRole('button', { name: 'Create pool' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'e2epool' })).toBeVisible();
  await expect(page.getByText('Nothing uses it.')).toBeVisible();
  await page.getByLabel(/^Description/).fill('for the test');
  await page.getByRole('button', { name: 'Apply changes' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();

  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const confirm = page.getByRole('dialog', { name: 'Delete pool e2epool?' });
  await expect(confirm.getByRole('button', { name: 'Delete pool' })).toHaveAttribute('aria-disabled', 'true');
  await confirm.getByRole('textbox').fill('e2epool');
  await confirm.getByRole('button', { name: 'Delete pool' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Storage' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'e2epool' })).toHaveCount(0);

  await page.getByRole('link', { name: 'default' }).click();
  await expect(page.getByRole('button', { name: 'Delete', exact: true })).toHaveAccessibleDescription('It is in use');
});
