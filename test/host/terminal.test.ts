import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bash, createTestHost, hostEntry, TestViewer, until, type TestHost } from './terminal-harness.ts';

let test: TestHost;
beforeEach(() => {
  test = createTestHost();
});
afterEach(() => test.dispose());

const size = { cols: 80, rows: 24 };
async function shell(id: string, script?: string): Promise<TestViewer> {
  await test.host.create({ id, command: bash(script), ...size, meta: {} });
  return TestViewer.attach(test.host, id);
}
function hostPid(): number {
  const found = readdirSync('/proc').find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`stapes-terminals ${test.stateDir}`);
    } catch {
      return false;
    }
  });
  return Number(found);
}
const residentKiB = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

it('runs a command, remembers what the server noted, and forgets it when it is closed', async () => {
  const viewer = await shell('one');
  viewer.type('echo $((40+2))-here\n');
  await until('the answer', () => viewer.shows('42-here'));
  await test.host.create({ id: 'two', command: bash('sleep 1000'), ...size, meta: { instance: 'web1' } });
  expect(await test.host.list()).toMatchObject([
    { id: 'one', clients: 1, status: 'running' },
    { id: 'two', clients: 0, meta: { instance: 'web1' } },
  ]);
  await expect(test.host.create({ id: 'two', command: bash(), ...size, meta: {} })).rejects.toMatchObject({
    code: 'exists',
  });
  await test.host.close('one');
  await test.host.close('one');
  await until('the end of the viewer', () => viewer.isEnded);
  expect((await test.host.list()).map((session) => session.id)).toEqual(['two']);
  await expect(test.host.attach('one', size)).rejects.toMatchObject({ code: 'not-found' });
});

it('gives whoever attaches anew the same screen, with scrollback, colours and modes', async () => {
  const first = await shell('one');
  first.type(
    "for i in $(seq 3000); do printf '\\e[3%dmline %d\\e[0m\\n' $((i%8)) $i; done; printf '\\e[?2004h\\e[?1006h\\e[?1002hend'\"-mark\"\n",
  );
  await until('the end', () => first.shows('end-mark'));
  const second = await TestViewer.attach(test.host, 'one');
  await until('the screen', () => second.shows('end-mark'));
  expect(second.lines()).toEqual(first.lines());
  expect(second.terminal.buffer.active.cursorX).toBe(first.terminal.buffer.active.cursorX);
  expect(second.terminal.modes).toMatchObject({ bracketedPasteMode: true, mouseTrackingMode: 'drag' });
  first.type('echo both-$((1+1))\n');
  await until('both see it', () => first.shows('both-2') && second.shows('both-2'));
  expect(second.lines()).toEqual(first.lines());
});

it('loses and doubles nothing when somebody attaches in the middle of output', async () => {
  const first = await shell('one');
  first.type('stty -echo; for i in $(seq 20000); do echo "n $i"; done; echo \'all\'-done\n');
  const others: TestViewer[] = [];
  for (let index = 0; index < 5; index++) {
    const seen = first.receivedBytes;
    await until('some output', () => first.receivedBytes > seen + 5_000 || first.shows('all-done'));
    others.push(await TestViewer.attach(test.host, 'one'));
  }
  await until('all to end', () => [first, ...others].every((viewer) => viewer.shows('all-done')));
  for (const viewer of others) {
    const numbers = viewer.lines().flatMap((line) => (line.startsWith('n ') ? [Number(line.slice(2))] : []));
    expect(numbers.length).toBeGreaterThan(4000);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 20_001 - numbers.length + index));
  }
});

it('survives a kill -9 of the process that started it and watches', async () => {
  const starter = spawn(
    process.execPath,
    [...hostEntry.slice(1, -1), join(import.meta.dirname, 'terminal-starter.ts'), test.stateDir],
    { stdio: 'inherit' },
  );
  await until('the session', async () => (await test.host.list())[0]?.clients === 1);
  const first = await TestViewer.attach(test.host, 'one');
  await until('its output', () => first.shows('typed before'));
  const pid = hostPid();
  // A session of its own: a signal to the starter's group or terminal does not reach it.
  const sessionOf = (process: number) =>
    Number(readFileSync(`/proc/${process}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]);
  expect(sessionOf(pid)).toBe(pid);
  first.close();
  const ended = new Promise((resolve) => starter.on('exit', (_code, signal) => resolve(signal)));
  starter.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
  await until('it to be noticed', async () => (await test.host.list())[0]?.clients === 0);
  const again = await TestViewer.attach(test.host, 'one');
  await until('the same screen', () => again.shows('typed before'));
  again.type('typed after\n');
  await until('the same process', () => again.shows('typed after'));
  expect(hostPid()).toBe(pid);
});

it('lets the last who resizes decide, and tells the others', async () => {
  const first = await shell('one');
  const second = await TestViewer.attach(test.host, 'one', { cols: 100, rows: 30 });
  await until('the first to hear', () =>
    first.messages.some((message) => message.type === 'size' && message.cols === 100),
  );
  second.control({ type: 'resize', cols: 120, rows: 40 });
  second.type('stty size\n');
  await until('the pty to know', () => first.shows('40 120'));
  expect((await test.host.list())[0]).toMatchObject({ cols: 120, rows: 40 });
});

it('tells the title and the exit code, and keeps the last screen', async () => {
  const viewer = await shell('one', "printf '\\e]2;my title\\a'; echo last words; exit 7");
  await until('the exit', () => viewer.messages.some((message) => message.type === 'exit' && message.code === 7));
  await until('the title', () =>
    viewer.messages.some((message) => message.type === 'title' && message.title === 'my title'),
  );
  expect((await test.host.list())[0]).toMatchObject({ status: 'exited', exitCode: 7, title: 'my title' });
  const late = await TestViewer.attach(test.host, 'one');
  await until('the last screen', () => late.shows('last words'));
  await until('the exit again', () => late.messages.some((message) => message.type === 'exit' && message.code === 7));
});

it('hands over all that a command has printed before it ended, to a slow viewer too', async () => {
  const viewer = await shell('one', "seq 300000; echo 'the very'' last'");
  await until('the exit', () => viewer.messages.some((message) => message.type === 'exit'));
  await until('the last line', () => viewer.shows('the very last'));
  const numbers = viewer.lines().flatMap((line) => (/^\d+$/.test(line) ? [Number(line)] : []));
  expect(numbers.at(-1)).toBe(300_000);
});

it('stays small under a flood, watched or not, and Ctrl-C bites', async () => {
  const viewer = await shell('one');
  viewer.type("echo re''ady\n");
  await until('the shell', () => viewer.shows('ready'));
  const pid = hostPid();
  viewer.type('yes\n');
  await until('10 MB', () => viewer.receivedBytes > 10_000_000);
  const before = residentKiB(pid);
  await until('60 MB', () => viewer.receivedBytes > 60_000_000);
  expect(residentKiB(pid) - before).toBeLessThan(60_000);
  viewer.type('\x03');
  const atInterrupt = viewer.receivedBytes;
  viewer.type("echo stop''ped\n");
  await until('the shell again', () => viewer.shows('stopped'));
  // What was under way is the window and what the kernel's pty held, not what had been queued for seconds.
  expect(viewer.receivedBytes - atInterrupt).toBeLessThan(4_000_000);

  viewer.type('yes unwatched\n');
  await until('a flood', () => viewer.shows('unwatched'));
  viewer.close();
  await until('nobody to watch', async () => (await test.host.list())[0]?.clients === 0);
  await new Promise((go) => setTimeout(go, 2000));
  expect(residentKiB(pid) - before).toBeLessThan(80_000);
  const again = await TestViewer.attach(test.host, 'one');
  again.type('\x03');
  again.type("echo a''gain\n");
  await until('the shell again', () => again.shows('again'));
  expect(again.lines().filter((line) => line === 'unwatched').length).toBeGreaterThan(4000);
});

it('waits for a viewer that does not draw, and drops it when it is stuck', async () => {
  const stuck = await shell('one');
  stuck.acknowledges = false;
  stuck.type('yes\n');
  await until('the window to be full', () => stuck.receivedBytes > 512 * 1024);
  const full = stuck.receivedBytes;
  await until('it to be dropped', () => stuck.isEnded);
  expect(stuck.receivedBytes).toBeLessThan(full + 1024 * 1024);
  const other = await TestViewer.attach(test.host, 'one');
  await until('output for another', () => other.receivedBytes > 2_000_000);
  other.type('\x03');
});

it('starts one host for many who ask at once, and replaces one that was killed', async () => {
  await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      test.host.create({ id: `s${index}`, command: bash('sleep 1000'), ...size, meta: {} }),
    ),
  );
  expect(await test.host.list()).toHaveLength(6);
  process.kill(hostPid(), 'SIGKILL');
  await until('it to be gone', async () => (await test.host.list()).length === 0);
  const viewer = await shell('new');
  viewer.type("echo back''again\n");
  await until('the new shell', () => viewer.shows('backagain'));
});

it('ends itself when there is nothing to keep', async () => {
  const own = createTestHost({ STAPES_TERMINALS_IDLE_MS: '500' });
  try {
    await own.host.create({ id: 'one', command: bash('sleep 1000'), ...size, meta: {} });
    await new Promise((go) => setTimeout(go, 2500));
    expect(await own.host.list()).toHaveLength(1);
    await own.host.close('one');
    await until('the end of the host', () => !readdirSync(`${own.stateDir}/run`).includes('terminals.socket'));
  } finally {
    await own.dispose();
  }
});
