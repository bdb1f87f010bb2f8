import { passphrase } from '../support/session.ts';
import { expect, signIn, test, visit } from './fixtures.ts';

// Wrong passphrases slow down everybody at this address: not for others to wait for.
test.use({ world: 'auth' });

test('sessions are listed, and one that is signed out is out at once', async ({ signedIn: page, server, browser }) => {
  const other = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    const second = await other.newPage();
    await signIn(second, server);
    await visit(page, `${server.origin}/settings`);
    const sessions = page.getByRole('region', { name: 'Sessions' });
    await expect(sessions.getByText('This one')).toHaveCount(1);
    const others = sessions.getByRole('button', { name: /^Sign out/ }).and(page.locator(':not([aria-disabled])'));
    await expect(others).toHaveCount(1);
    await others.click();
    await expect(others).toHaveCount(0);
    await second.goto(`${server.origin}/instances`);
    await second.waitForURL(/\/login/);
  } finally {
    await other.close();
  }
});

test('signing out ends the session, and the page one wanted is opened after the next', async ({
  signedIn: page,
  server,
}) => {
  await page.getByRole('button', { name: /account/i }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.waitForURL(/\/login/);
  await page.goto(`${server.origin}/networks`);
  await page.waitForURL(/\/login/);
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Networks' })).toBeVisible();
});

test('a passkey is added and signs in', async ({ signedIn: page, server }) => {
  const device = await page.context().newCDPSession(page);
  await device.send('WebAuthn.enable');
  await device.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await visit(page, `${server.origin}/settings`);
  await expect(page.getByText(/^None yet/)).toBeVisible();
  await page.getByRole('button', { name: 'Add this device' }).click();
  await expect(page.getByRole('button', { name: /^Remove / })).toHaveCount(1);
  await page.getByRole('button', { name: /account/i }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Instances' })).toBeVisible();
});

// The last of the file: it leaves the address slowed down.
test('a wrong passphrase is said on its field; many have to wait', async ({ signedIn: page, server }) => {
  await page.context().clearCookies();
  await page.goto(`${server.origin}/login`);
  const field = page.getByLabel('Passphrase', { exact: true });
  const message = page.getByRole('alert').first();
  await field.fill('wrong');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  await expect(message).toContainText(/wrong|not right|does not match/i);
  await expect(async () => {
    await field.fill('wrong again');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(message).toContainText(/wait|too many/i, { timeout: 1_500 });
  }).toPass({ timeout: 60_000 });
});
