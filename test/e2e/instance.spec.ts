import type { Page } from '@playwright/test';
import { lxc } from '../support/lxc-client.ts';
import { expect, makeInstance, statusOf, test, visit } from './fixtures.ts';

const open = (page: Page, origin: string, name: string, tab = 'overview') =>
  visit(page, `${origin}/instance?name=${name}&tab=${tab}`);
const more = async (page: Page, item: RegExp | string) => {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: item }).click();
};

test.beforeAll(({ server }) => makeInstance(server, 'one'));

test('a snapshot is taken, restored, made into an instance, and deleted', async ({ signedIn: page, server }) => {
  await open(page, server.origin, 'one', 'snapshots');
  await page.getByRole('button', { name: 'Take snapshot' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Name/).fill('no spaces');
  await expect(dialog.getByLabel(/^Name/)).toHaveAttribute('aria-invalid', 'true');
  await dialog.getByLabel(/^Name/).fill('before');
  await dialog.getByRole('button', { name: 'Take snapshot' }).click();
  const row = page.getByRole('row').filter({ hasText: 'before' });
  await expect(row).toBeVisible();

  expect((await lxc(server, ['exec', 'one', '--', 'touch', '/root/later'])).code).toBe(0);
  await row.getByRole('button', { name: 'Actions for before' }).click();
  await page.getByRole('menuitem', { name: 'Restore' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await expect
    .poll(async () => (await lxc(server, ['exec', 'one', '--', 'ls', '/root/later'])).stderr, { timeout: 60_000 })
    .toContain('No such file');
  await expect(page.getByText('Running', { exact: true })).toBeVisible();

  await row.getByRole('button', { name: 'Actions for before' }).click();
  await page.getByRole('menuitem', { name: 'New instance from it' }).click();
  await page.getByRole('dialog').getByLabel('Name of the new instance').fill('one-again');
  await page.getByRole('dialog').getByRole('button', { name: 'Create instance' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'one-again' })).toBeVisible();
  await expect.poll(() => statusOf(server, 'one-again'), { timeout: 60_000 }).toBe('Stopped');

  await open(page, server.origin, 'one', 'snapshots');
  await row.getByRole('button', { name: 'Actions for before' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete snapshot' }).click();
  await expect(page.getByText('No snapshots')).toBeVisible();
});

test('the form checks, applies at once what is live, and keeps what is typed', async ({ signedIn: page, server }) => {
  await open(page, server.origin, 'one', 'configuration');
  await page.getByLabel('Find a key').fill('limits.');
  const memory = page.getByLabel(/^limits\.memory(?!\.)/);
  await memory.fill('lots');
  await expect(memory).toHaveAttribute('aria-invalid', 'true');
  await memory.fill('80MiB');
  // A change of something else in between is shown, and costs nothing of what was typed.
  expect((await lxc(server, ['config', 'set', 'one', 'limits.processes=99'])).code).toBe(0);
  await expect(page.getByLabel(/^limits\.processes/)).toHaveValue('99');
  await expect(memory).toHaveValue('80MiB');
  await page.getByRole('button', { name: 'Apply changes' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  // It is an operation, which goes on for a moment after it was taken.
  await expect
    .poll(async () => (await server.rest.get('/1.0/instances/one/state')).body.metadata.memory.total)
    .toBe(80 * 1024 * 1024);
  const { body } = await server.rest.get('/1.0/instances/one');
  expect(body.metadata.config).toMatchObject({ 'limits.memory': '80MiB', 'limits.processes': '99' });
});

test('YAML is checked while typing, and its difference is shown before it is applied', async ({
  signedIn: page,
  server,
}) => {
  await open(page, server.origin, 'one', 'configuration');
  await page.getByRole('button', { name: 'YAML' }).click();
  const yaml = page.getByLabel('Configuration as YAML');
  const before = await yaml.inputValue();
  await yaml.fill(before.replace('config:', 'config:\n  limits.cpu: plenty'));
  await expect(yaml).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByRole('alert').filter({ hasText: 'limits.cpu' })).toBeVisible();
  await yaml.fill('description: [');
  await expect(yaml).toHaveAttribute('aria-invalid', 'true');
  await yaml.fill(before.replace(/^description:.*$/m, 'description: by hand'));
  await expect(yaml).not.toHaveAttribute('aria-invalid', 'true');
  const difference = page.getByLabel('Difference', { exact: true });
  await expect(difference).toContainText('+ description: by hand');
  await expect(difference).toContainText('- description: ""');
  // What somebody else does meanwhile is not overwritten unseen.
  expect((await lxc(server, ['config', 'set', 'one', 'user.meanwhile=1'])).code).toBe(0);
  const keep = page.getByRole('button', { name: 'Keep my text' });
  await expect(keep).toBeVisible();
  await expect(difference).toContainText('user.meanwhile');
  await expect(page.getByRole('button', { name: 'Apply changes' })).toHaveAttribute('aria-disabled', 'true');
  await keep.click();
  await page.getByRole('button', { name: 'Apply changes' }).click();
  await expect
    .poll(async () => (await server.rest.get('/1.0/instances/one')).body.metadata.description)
    .toBe('by hand');
  await expect(page.getByText('by hand').first()).toBeVisible();
});

test('actions: a reason when one cannot be used; stop, start, freeze, rename, copy, delete', async ({
  signedIn: page,
  server,
}) => {
  await makeInstance(server, 'two');
  await open(page, server.origin, 'two');
  await page.getByRole('button', { name: 'More actions' }).click();
  const rename = page.getByRole('menuitem', { name: /Rename/ });
  await expect(rename).toHaveAttribute('aria-disabled', 'true');
  await expect(rename).toContainText('Stop it first');
  await page.keyboard.press('Escape');
  // A click on the button while the menu still closes would not open it again.
  await expect(rename).toBeHidden();

  await more(page, 'Freeze');
  await expect(page.getByText('Frozen', { exact: true })).toBeVisible();
  await more(page, 'Unfreeze');
  await expect(page.getByText('Running', { exact: true })).toBeVisible();
  await more(page, 'Force stop');
  await page.getByRole('dialog').getByRole('button', { name: 'Force stop' }).click();
  await expect(page.getByText('Stopped', { exact: true })).toBeVisible();

  await more(page, 'Rename');
  await page.getByLabel('New name').fill('one');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await expect(page.getByLabel('New name')).toHaveAttribute('aria-invalid', 'true');
  await page.getByLabel('New name').fill('three');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'three' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'More actions' })).toBeVisible();
  expect(await statusOf(server, 'two')).toBe('gone');

  await more(page, 'Copy');
  await page.getByLabel('New name').fill('three-copy');
  await page.getByRole('button', { name: 'Copy', exact: true }).click();
  await expect.poll(() => statusOf(server, 'three-copy'), { timeout: 60_000 }).toBe('Stopped');

  await open(page, server.origin, 'three');
  await more(page, 'Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete instance' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Instances' })).toBeVisible();
  await expect.poll(() => statusOf(server, 'three')).toBe('gone');
});
