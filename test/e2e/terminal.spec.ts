import type { Page } from '@playwright/test';
import { expect, makeInstance, runInTerminal, screenText, signIn, test, visit } from './fixtures.ts';

test.use({ permissions: ['clipboard-read', 'clipboard-write'] });
test.beforeAll(({ server }) => makeInstance(server, 'shell'));

const connected = (page: Page) => expect(page.getByText('Connected', { exact: true })).toBeVisible({ timeout: 60_000 });

test.beforeEach(async ({ signedIn: page, server }) => {
  const { body } = await server.rest.get('/1.0/instances/shell');
  expect(body.metadata.status).toBe('Running');
  await visit(page, `${server.origin}/instance?name=shell&tab=terminal`);
  await connected(page);
});

test.afterEach(async ({ page }) => {
  // The next test begins with a shell of its own.
  for (;;) {
    const close = page.getByRole('list', { name: 'Terminals' }).getByRole('button', { name: /^Close/ });
    const count = await close.count();
    if (count === 0) break;
    await close.first().click();
    await expect(close).toHaveCount(count - 1);
  }
});

test('tabs keep their own screens; user and shell can be chosen', async ({ signedIn: page }) => {
  await runInTerminal(page, 'echo first-$((20+1))', /first-21/);
  await page.getByRole('button', { name: 'New terminal' }).click();
  const form = page.getByRole('form', { name: 'Open a terminal' });
  await form.getByLabel('User').fill('nobody');
  await form.getByLabel('Shell').fill('/bin/sh');
  await form.getByRole('button', { name: 'Open' }).click();
  const tabs = page.getByRole('list', { name: 'Terminals' }).getByRole('listitem');
  await expect(tabs).toHaveCount(2);
  await expect.poll(() => screenText(page)).not.toContain('first-21');
  await connected(page);
  await runInTerminal(page, 'echo second-$(id -un)', /second-nobody/);
  await tabs.first().getByRole('button').first().click();
  await expect.poll(() => screenText(page)).toContain('first-21');
  expect(await screenText(page)).not.toContain('second-nobody');
});

test('a user or shell that is not there is told', async ({ signedIn: page }) => {
  await page.getByRole('button', { name: 'New terminal' }).click();
  const form = page.getByRole('form', { name: 'Open a terminal' });
  await form.getByLabel('User').fill('stranger');
  await form.getByRole('button', { name: 'Open' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'stranger' }).first()).toBeVisible();
});

test('search finds, goes on and says how many', async ({ signedIn: page }) => {
  await runInTerminal(page, 'for i in 1 2 3; do echo needle-$i; done; echo end-$((1+1))', /end-2/);
  await page.keyboard.press('Control+Shift+F');
  const search = page.getByRole('search', { name: 'Search in the terminal' });
  await search.getByLabel('Find').fill('needle-');
  await expect(search.getByRole('status')).toHaveText(/\d of \d/);
  const first = await search.getByRole('status').textContent();
  await page.keyboard.press('Enter');
  await expect(search.getByRole('status')).not.toHaveText(first ?? '');
  await search.getByLabel('Find').fill('haystack');
  await expect(search.getByRole('status')).toHaveText('No match');
  await page.keyboard.press('Escape');
  await expect(search).toHaveCount(0);
});

test('the size of the window is the size of the terminal', async ({ signedIn: page }) => {
  await page.setViewportSize({ width: 1400, height: 900 });
  const columns = async () => {
    await runInTerminal(page, 'clear; echo "size=$(stty size)="', /size=\d+ \d+=/);
    return Number(/size=\d+ (\d+)=/.exec(await screenText(page))?.[1]);
  };
  const wide = await columns();
  await page.setViewportSize({ width: 900, height: 700 });
  await expect.poll(columns).toBeLessThan(wide - 20);
});

test('a second device sees the same screen and types into the same shell', async ({
  signedIn: page,
  server,
  browser,
}) => {
  await runInTerminal(page, 'echo shared-$((40+2))', /shared-42/);
  const other = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    const second = await other.newPage();
    await signIn(second, server);
    await visit(second, `${server.origin}/instance?name=shell&tab=terminal`);
    await connected(second);
    await expect.poll(() => screenText(second)).toContain('shared-42');
    await runInTerminal(second, 'echo from-the-second-$((1+1))', /from-the-second-2/);
    await expect.poll(() => screenText(page)).toContain('from-the-second-2');
  } finally {
    await other.close();
  }
});

test('a flood of output stops at once with Ctrl-C', async ({ signedIn: page }) => {
  await runInTerminal(page, 'yes flood', /(flood\s*){20}/);
  await page.keyboard.press('Control+C');
  await runInTerminal(page, 'clear; echo alive-$((40+2))', /alive-42/);
});

test('comes back by itself after a kill of the server, to the same shell', async ({ signedIn: page, server }) => {
  await runInTerminal(page, 'KEPT=yes; echo ready-$((1+1))', /ready-2/);
  await server.kill('SIGKILL');
  await expect(page.getByText('Connection lost. Trying again …')).toBeVisible();
  await server.start();
  await connected(page);
  await runInTerminal(page, 'echo kept=$KEPT=', /kept=yes=/);
});

test('says with which code a shell has ended', async ({ signedIn: page }) => {
  await runInTerminal(page, 'exit 3', /exit 3/);
  await expect(page.getByText('Ended with exit code 3')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Terminals' })).toContainText('(ended)');
});

test('copies what is selected', async ({ signedIn: page }) => {
  await runInTerminal(page, 'clear; echo copy$((40+2))me', /copy42me/);
  const box = await page.locator('.xterm-rows > div', { hasText: 'copy42me' }).first().boundingBox();
  if (!box) throw new Error('The row is not drawn');
  await page.mouse.dblclick(box.x + 12, box.y + box.height / 2);
  await page.keyboard.press('Control+Shift+C');
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain('copy42me');
});
