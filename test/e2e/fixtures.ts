import { test as base, expect, type Page } from '@playwright/test';
import { passphrase } from '../support/session.ts';
import { TestServer } from '../support/server.ts';

/** One real server for a spec file, signed in on demand. */
export const test = base.extend<{ signedIn: Page }, { server: TestServer }>({
  server: [
    // Playwright reads the names of the fixtures from this pattern.
    async ({}, use) => {
      const server = new TestServer();
      try {
        await server.start();
        await use(server);
      } finally {
        await server.destroy();
      }
    },
    { scope: 'worker', timeout: 240_000 },
  ],
  signedIn: async ({ page, server }, use) => {
    await signIn(page, server);
    await use(page);
  },
});

/** By the printed link the first time, by passphrase afterwards. */
export async function signIn(page: Page, server: TestServer): Promise<void> {
  await page.goto(`${server.origin}/instances`);
  await page.waitForURL(/\/(login|setup)/);
  const form = page.getByLabel('Passphrase', { exact: true });
  const isSetUp = await form
    .waitFor({ timeout: 10_000 })
    .then(() => true)
    .catch(() => false);
  if (isSetUp) {
    await form.fill(passphrase);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  } else {
    await setUp(page, server);
  }
  await expect(page.getByRole('heading', { level: 1, name: 'Instances' })).toBeVisible();
}

export async function setUp(page: Page, server: TestServer): Promise<void> {
  await page.goto(server.link);
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Use this passphrase' }).click();
}

/** Text that the terminal shows now. */
export async function screenText(page: Page): Promise<string> {
  return (await page.locator('.xterm-rows').allTextContents()).join('\n').replaceAll('\u00a0', ' ');
}

/** Types a command and waits for a text that the command makes (never the typed text itself). */
export async function runInTerminal(page: Page, command: string, expected: RegExp): Promise<void> {
  await page
    .getByRole('group', { name: /^Terminal of/ })
    .locator('textarea')
    .focus();
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
  await expect.poll(() => screenText(page), { timeout: 30_000 }).toMatch(expected);
}

export { expect };
