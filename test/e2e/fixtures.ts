import { test as base, expect, type Page } from '@playwright/test';
import { rmSync } from 'node:fs';
import { relay } from '../support/browser-relay.mjs';
import { browserPort, browserSocket } from '../support/browser-socket.ts';
import { passphrase } from '../support/session.ts';
import { TestServer } from '../support/server.ts';

/** One real server for a spec file, signed in on demand. */
export const test = base.extend<{ signedIn: Page }, { world: string; server: TestServer }>({
  /** Files of the same world share a server; one that needs a fresh server names a world of its own. */
  world: ['shared', { option: true, scope: 'worker' }],
  server: [
    // Asking for the world is what makes it a server for each.
    async ({ world: _ }, use) => {
      const server = new TestServer(undefined, browserPort);
      rmSync(browserSocket, { force: true });
      const way = relay({ path: browserSocket }, { host: '127.0.0.1', port: browserPort });
      try {
        await server.start();
        await use(server);
      } finally {
        way.close();
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
  const answer = await page.request.get(`${server.origin}/trpc/auth.status`);
  const { result } = (await answer.json()) as { result: { data: { setUp: boolean } } };
  if (result.data.setUp) {
    await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
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

/** Opens a page and waits until it answers to clicks: the title comes with its first effect, the pages themselves are files. */
export async function visit(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await expect(page).toHaveTitle(/ · Stapes$/);
}

/** A running container of the tiny image, unless the request says otherwise. */
export async function makeInstance(server: TestServer, name: string, more: object = {}): Promise<void> {
  const { status } = await server.rest.get('/1.0/images/aliases/busybox');
  if (status !== 200)
    await server.rest.finish('POST', '/1.0/images', { source: { type: 'recipe', recipe: 'busybox' } });
  await server.rest.finish('POST', '/1.0/instances', {
    name,
    start: true,
    source: { type: 'image', alias: 'busybox' },
    ...more,
  });
}

/** `Running`, `Stopped`, ...; `gone` when there is none of this name. */
export async function statusOf(server: TestServer, name: string): Promise<string> {
  const { status, body } = await server.rest.get(`/1.0/instances/${name}`);
  return status === 200 ? (body.metadata.status as string) : 'gone';
}

export { expect };
