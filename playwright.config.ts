import { defineConfig } from '@playwright/test';
import { browserPort, browserSocket } from './test/support/browser-socket.ts';

/** Debian's Chromium against the real server; `npm run test:e2e` runs it in namespaces of its own. */
export default defineConfig({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  timeout: 180_000,
  expect: { timeout: 20_000 },
  workers: 1,
  retries: process.env.CI ? 2 : 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: 'list',
  use: {
    browserName: 'chromium',
    ignoreHTTPSErrors: true,
    trace: 'off',
    launchOptions: {
      executablePath: 'test/support/browser',
      env: { ...process.env, STAPES_BROWSER_SOCKET: browserSocket, STAPES_BROWSER_PORT: String(browserPort) },
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-dev-shm-usage',
      ],
    },
  },
});
