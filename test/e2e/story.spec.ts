import { readFileSync } from 'node:fs';
import { lxc } from '../support/lxc-client.ts';
import { until } from '../support/server.ts';
import { expect, runInTerminal, screenText, setUp, test } from './fixtures.ts';

test.use({ world: 'story' });

/** From the printed link to a shell that survives everything, all of it real. */
test('the story: link, passphrase, create, shell, reload, kill -9, lxc', async ({ page, server }) => {
  test.setTimeout(300_000);
  const name = 'story';

  await test.step('the printed link lets one choose a passphrase', async () => {
    expect(server.link).toMatch(/^https:\/\/localhost:\d+\/setup#token=/);
    await setUp(page, server);
    await expect(page.getByRole('heading', { level: 1, name: 'Instances' })).toBeVisible();
  });

  await test.step('"Create instance" with the offered Debian 12', async () => {
    await page.getByRole('button', { name: 'Create instance' }).first().click();
    const wizard = page.getByRole('dialog');
    await wizard
      .getByRole('radio', { name: /debian.?12|Debian 12/i })
      .first()
      .check({ force: true });
    await wizard.getByLabel('Name', { exact: true }).fill(name);
    await wizard.getByRole('button', { name: /^Create/ }).click();
  });

  await test.step('it runs', async () => {
    await until('the instance to run', 120_000, async () => {
      const answer = await server.rest.get(`/1.0/instances/${name}/state`);
      return answer.status === 200 && answer.body.metadata.status === 'Running';
    });
    await page.goto(`${server.origin}/instance?name=${name}&tab=terminal`);
  });

  await test.step('a root shell of an unprivileged Debian with an address from DHCP', async () => {
    await expect(page.getByText('Connected', { exact: true })).toBeVisible({ timeout: 60_000 });
    await runInTerminal(
      page,
      'echo I am $(id -un) on $(. /etc/os-release; echo $ID-$VERSION_ID)',
      /I am root on debian-12/,
    );
    await runInTerminal(page, 'awk \'{ print "base=" ($2 > 0) }\' /proc/self/uid_map', /base=1/);
    await runInTerminal(
      page,
      'until ip -4 -o addr show eth0 | grep -q inet; do sleep 0.2; done; echo leased-$((40+2))',
      /leased-42/,
    );
    await runInTerminal(page, 'export MARK=kept; echo shell-pid=$$-', /shell-pid=\d+-/);
  });
  const shellPid = /shell-pid=(\d+)-/.exec(await screenText(page))?.[1] ?? 'none';
  const state = async () => (await server.rest.get(`/1.0/instances/${name}/state`)).body.metadata;
  const initPid: number = (await state()).pid;
  expect(initPid).toBeGreaterThan(0);
  expect(readFileSync(`/proc/${initPid}/uid_map`, 'utf8').trim()).not.toMatch(/^0\s+0\s/);

  await test.step('reload: the same shell with the same screen', async () => {
    await page.reload();
    await expect.poll(() => screenText(page), { timeout: 30_000 }).toContain(`shell-pid=${shellPid}-`);
    await runInTerminal(page, 'echo again=$$-$MARK-', new RegExp(`again=${shellPid}-kept-`));
  });

  await test.step('kill -9 of the server and a new start: the container and the shell never noticed', async () => {
    await server.kill('SIGKILL');
    await expect(page.getByText(/Connection lost/i).first()).toBeVisible();
    await server.start();
    expect((await state()).pid).toBe(initPid);
    await expect(page.getByText('Connected', { exact: true })).toBeVisible({ timeout: 60_000 });
    await runInTerminal(page, 'echo after=$$-$MARK-', new RegExp(`after=${shellPid}-kept-`));
    expect(await screenText(page)).toContain(`shell-pid=${shellPid}-`);
  });

  await test.step('an unmodified lxc client sees and enters it', async () => {
    const list = await lxc(server, ['list', '--format', 'csv', '-c', 'ns4']);
    expect(list.stdout).toMatch(new RegExp(`^${name},RUNNING,"?\\d+\\.\\d+\\.\\d+\\.\\d+ \\(eth0\\)`, 'm'));
    const exec = await lxc(server, ['exec', name, '--', 'cat', '/etc/debian_version']);
    expect(exec.stdout).toMatch(/^12\./);
    expect(exec.code).toBe(0);
  });
});
