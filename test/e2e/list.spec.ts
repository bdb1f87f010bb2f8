import type { Page } from '@playwright/test';
import { lxc } from '../support/lxc-client.ts';
import { expect, makeInstance, statusOf, test } from './fixtures.ts';

test.beforeAll(async ({ server }) => {
  for (const name of ['list-a1', 'list-a2', 'list-b1']) await makeInstance(server, name);
});

const rowNames = (page: Page) => page.getByRole('grid', { name: 'Instances' }).getByRole('link', { name: /^list-/ });
const row = (page: Page, name: string) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });

test('search understands fields and negation, and says what it does not know', async ({ signedIn: page }) => {
  const search = page.getByRole('searchbox', { name: 'Search instances' });
  await search.fill('name:list- -name:b1');
  await expect(rowNames(page)).toHaveText(['list-a1', 'list-a2']);
  await search.fill('name:list- -status:running');
  await expect(page.getByText('Nothing matches')).toBeVisible();
  await search.fill('colour:blue');
  await expect(page.getByText(/There is no field "colour"/)).toBeVisible();
  await page.getByRole('button', { name: 'Clear the search', exact: true }).first().click();
  await expect(row(page, 'list-b1')).toBeVisible();
});

test('sort, columns and search are in the address and survive a reload', async ({ signedIn: page }) => {
  await page.getByRole('searchbox', { name: 'Search instances' }).fill('list-');
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Snapshots' }).click();
  await page.keyboard.press('Escape');
  const name = page.getByRole('columnheader', { name: 'Name' });
  await name.getByRole('button').click();
  await expect(name).toHaveAttribute('aria-sort', 'descending');
  await expect.poll(() => new URL(page.url()).searchParams.get('sort')).toBe('-name');
  await page.reload();
  await expect(rowNames(page)).toHaveText(['list-b1', 'list-a2', 'list-a1']);
  await expect(page.getByRole('columnheader', { name: 'Snapshots' })).toBeVisible();
  await expect(page.getByRole('searchbox', { name: 'Search instances' })).toHaveValue('list-');
});

test('several are stopped and started at once', async ({ signedIn: page, server }) => {
  await page.getByRole('checkbox', { name: 'Select list-a1' }).check();
  await page.getByRole('checkbox', { name: 'Select list-a2' }).check();
  const bar = page.getByRole('toolbar', { name: 'Actions for the selected instances' });
  await expect(bar).toContainText('2 selected');
  await bar.getByRole('button', { name: 'Stop' }).click();
  const dialog = page.getByRole('dialog', { name: 'Stop 2 instances?' });
  await dialog.getByRole('checkbox').check();
  await dialog.getByRole('button', { name: 'Stop 2 instances' }).click();
  for (const name of ['list-a1', 'list-a2']) {
    await expect(row(page, name)).toContainText('Stopped', { timeout: 60_000 });
    expect(await statusOf(server, name)).toBe('Stopped');
  }
  await expect(row(page, 'list-b1')).toContainText('Running');
  await bar.getByRole('button', { name: 'Start', exact: true }).click();
  for (const name of ['list-a1', 'list-a2'])
    await expect(row(page, name)).toContainText('Running', { timeout: 60_000 });
});

test('the keyboard alone is enough', async ({ signedIn: page }) => {
  await expect(row(page, 'list-a1')).toBeVisible();
  await page.keyboard.press('/');
  await page.keyboard.type('name:list-');
  await expect(page.getByRole('status').filter({ hasText: /^3 of/ })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('grid', { name: 'Instances' })).toBeFocused();
  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(row(page, 'list-a2')).toHaveAttribute('aria-selected', 'true');
  await expect(row(page, 'list-b1')).toHaveAttribute('aria-selected', 'false');
  await page.keyboard.press('Escape');
  await expect(row(page, 'list-a2')).toHaveAttribute('aria-selected', 'false');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'list-b1' })).toBeVisible();
});

test('what happens elsewhere is seen without a reload', async ({ signedIn: page, server }) => {
  await expect(row(page, 'list-b1')).toContainText('Running');
  expect((await lxc(server, ['stop', '--force', 'list-b1'])).code).toBe(0);
  await expect(row(page, 'list-b1')).toContainText('Stopped');
  expect((await lxc(server, ['start', 'list-b1'])).code).toBe(0);
  await expect(row(page, 'list-b1')).toContainText('Running');
  expect((await lxc(server, ['copy', 'list-b1', 'list-c1'])).code).toBe(0);
  await expect(row(page, 'list-c1')).toContainText('Stopped');
  expect((await lxc(server, ['delete', 'list-c1'])).code).toBe(0);
  await expect(row(page, 'list-c1')).toHaveCount(0);
});
