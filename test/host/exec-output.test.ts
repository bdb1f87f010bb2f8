import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostEnvironment } from '@stapes/runtime/host/run';
import { runDetached } from '../../apps/server/src/services/exec-detached.ts';
import type { StepTools } from '../../apps/server/src/operations/saga.ts';
import { sh } from './lxc-fixture.ts';

const root = mkdtempSync('/var/tmp/stapes-test-output-');
const small = join(root, 'small');

beforeAll(() => {
  mkdirSync(small);
  sh('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small);
});
afterAll(() => {
  sh('umount', small);
  rmSync(root, { recursive: true, force: true });
});

test('a full disk ends a command whose output is recorded, and says so', async () => {
  writeFileSync(join(small, 'filler'), Buffer.alloc(512 * 1024));
  const tools = { signal: new AbortController().signal } as StepTools;
  const command = { file: 'yes', args: [], env: hostEnvironment };
  await expect(
    runDetached({ instanceName: 'box', command, recordIn: join(small, 'one') }, tools),
  ).rejects.toMatchObject({ code: 'no-space', message: expect.stringContaining('the disk of the server is full') });
});
