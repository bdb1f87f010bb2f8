import type { Page } from '@playwright/test';
import { expectAccessible } from './accessible.ts';
import { expect, makeInstance, test } from './fixtures.ts';

test.use({ world: 'pages' });

/** `NETWORK` is the managed bridge, whatever it is called. */
const routes = [
  ['instances', 'Instances'],
  ['instance?name=seen', 'seen'],
  ['instance?name=seen&tab=terminal', 'seen'],
  ['instance?name=seen&tab=console', 'seen'],
  ['instance?name=seen&tab=snapshots', 'seen'],
  ['instance?name=seen&tab=configuration', 'seen'],
  ['instance?name=seen&tab=logs', 'seen'],
  ['images', 'Images'],
  ['networks', 'Networks'],
  ['network?name=NETWORK', 'NETWORK'],
  ['storage', 'Storage'],
  ['pool?name=default', 'default'],
  ['operations', 'Operations'],
  ['settings', 'Settings'],
] as const;
const widths = [1440, 1024, 390];

async function useTheme(page: Page, theme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
}

let network = '';
const real = (text: string) => text.replace('NETWORK', network);

test.beforeAll(async ({ server }) => {
  await makeInstance(server, 'seen');
  await server.rest.finish('POST', '/1.0/instances/seen/snapshots', { name: 'first' });
  const { body } = await server.rest.get('/1.0/networks?recursion=1');
  network = (body.metadata as { name: string; managed: boolean }[]).find((one) => one.managed)?.name ?? '';
});

for (const theme of ['light', 'dark'] as const) {
  test(`every page is accessible in ${theme}`, async ({ signedIn: page, server }) => {
    test.setTimeout(300_000);
    await useTheme(page, theme);
    await page.setViewportSize({ width: 1440, height: 900 });
    for (const [path, heading] of routes) {
      await test.step(path, async () => {
        await page.goto(`${server.origin}/${real(path)}`);
        await expect(page.getByRole('heading', { level: 1, name: real(heading) })).toBeVisible();
        await expect(page.locator('.animate-pulse')).toHaveCount(0);
        await expectAccessible(page);
      });
    }
  });
}

test('every page fits its width, from a phone to a large screen', async ({ signedIn: page, server }, info) => {
  test.setTimeout(300_000);
  await useTheme(page, 'dark');
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    for (const [path, heading] of routes) {
      await test.step(`${path} at ${width}`, async () => {
        await page.goto(`${server.origin}/${real(path)}`);
        await expect(page.getByRole('heading', { level: 1, name: real(heading) })).toBeVisible();
        await expect(page.locator('.animate-pulse')).toHaveCount(0);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, `${path} scrolls sideways at ${width} px`).toBeLessThanOrEqual(0);
        await page.screenshot({ path: info.outputPath(`${real(path).replaceAll(/[^a-z0-9]+/g, '-')}-${width}.png`) });
      });
    }
  }
});

test('an unknown address and an unknown instance say so', async ({ signedIn: page, server }) => {
  await page.goto(`${server.origin}/nowhere`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/no such page/i);
  await page.goto(`${server.origin}/instance?name=nobody`);
  await expect(page.getByRole('alert').first()).toContainText('nobody');
});
