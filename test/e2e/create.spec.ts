import { expect, makeInstance, statusOf, test } from './fixtures.ts';

test.beforeAll(({ server }) => makeInstance(server, 'made-before'));

test.beforeEach(async ({ signedIn: page }) => {
  await page.getByRole('button', { name: 'Create instance' }).first().click();
  await expect(page.getByRole('radiogroup', { name: 'Image' })).toBeVisible();
});

test('every error is on its field, and goes when it is mended', async ({ signedIn: page }) => {
  const wizard = page.getByRole('dialog', { name: 'Create instance' });
  const cases = [
    ['Name', 'made-before', 'made-after'],
    ['Name', '-no-', 'made-after'],
    ['CPUs', 'many', '1'],
    ['Memory', '12 parsecs', '64MiB'],
    ['Processes', '-4', '100'],
    ['Root size', 'huge', ''],
  ] as const;
  for (const [label, bad, good] of cases) {
    await test.step(`${label}: ${bad}`, async () => {
      const field = wizard.getByLabel(label, { exact: true });
      await field.fill(bad);
      await expect(field).toHaveAttribute('aria-invalid', 'true');
      const told = (await field.getAttribute('aria-describedby'))?.split(' ')[0] ?? '';
      await expect(page.locator(`[id="${told}"]`)).not.toBeEmpty();
      await field.fill(good);
      await expect(field).not.toHaveAttribute('aria-invalid', 'true');
    });
  }
});

test('shows what it will make and how to ask for it elsewhere, and makes it', async ({ signedIn: page, server }) => {
  const wizard = page.getByRole('dialog', { name: 'Create instance' });
  await wizard
    .getByRole('radio', { name: /busybox/i })
    .first()
    .check();
  await wizard.getByLabel('Name', { exact: true }).fill('made-here');
  await wizard.getByLabel('Memory', { exact: true }).fill('96MiB');
  await wizard.getByText('User, cloud-init and environment').click();
  await wizard.getByLabel(/^Cloud-init user data/).fill('#cloud-config\nhostname: made');
  await wizard.getByLabel(/^Environment/).fill('COLOUR=blue');
  const preview = wizard.getByRole('region', { name: 'Preview' });
  await expect(preview).toContainText('limits.memory: 96MiB');
  await expect(preview).toContainText('cloud-init.user-data');
  await preview.getByRole('tab', { name: 'CLI' }).click();
  await expect(preview).toContainText(/launch .*made-here/);
  await expect(preview).toContainText('limits.memory=96MiB');
  await preview.getByRole('tab', { name: 'API' }).click();
  await expect(preview).toContainText('-X POST http://stapes/1.0/instances');
  await wizard.getByRole('button', { name: 'Create and start' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'made-here' })).toBeVisible();
  await expect.poll(() => statusOf(server, 'made-here'), { timeout: 60_000 }).toBe('Running');
  const { body } = await server.rest.get('/1.0/instances/made-here');
  expect(body.metadata.config).toMatchObject({
    'limits.memory': '96MiB',
    'environment.COLOUR': 'blue',
    'cloud-init.user-data': '#cloud-config\nhostname: made',
    'security.idmap.isolated': 'true',
  });
  const { body: state } = await server.rest.get('/1.0/instances/made-here/state');
  expect(state.metadata.memory.total).toBe(96 * 1024 * 1024);
  await expect(page.getByText('Running', { exact: true }).first()).toBeVisible();
});
