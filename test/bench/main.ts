import { readFileSync } from 'node:fs';
import { TestServer } from '../support/server.ts';
import { execTrue, lifecycle, manyLaunches } from './lifecycle.ts';
import { listOfMany } from './list.ts';
import { isMet, printLine, type Line } from './measure.ts';
import { terminalLines } from './terminal.ts';

/** Resident memory of a process in MiB. */
export function residentMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN) / 1024;
}

const runs = Number(process.env.BENCH_RUNS ?? 9);
const only = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const wanted = (name: string) => only.length === 0 || only.includes(name);

async function main(): Promise<void> {
  const server = new TestServer();
  const lines: Line[] = [];
  const add = (...more: Line[]) => {
    lines.push(...more);
    more.forEach(printLine);
  };
  try {
    await server.start();
    await new Promise((done) => setTimeout(done, 5_000));
    add({
      name: 'server at rest',
      value: residentMib(server.pid),
      unit: 'MiB',
      target: 180,
      detail: 'resident, 5 s after its start',
    });
    if (['lifecycle', 'dir', 'exec', 'many', 'terminal'].some(wanted))
      await server.rest.finish('POST', '/1.0/images', { source: { type: 'recipe', recipe: 'debian/12' } });
    if (wanted('lifecycle')) {
      add(...(await lifecycle(server, 'default', true, runs)));
    }
    if (wanted('dir')) {
      await server.rest.call('POST', '/1.0/storage-pools', { name: 'plain', driver: 'dir', config: {} });
      add(...(await lifecycle(server, 'plain', false, 1)));
    }
    if (wanted('exec')) add(await execTrue(server, 50));
    if (wanted('many')) {
      const { totalMs, failed } = await manyLaunches(server, 20);
      add({
        name: '20 launches at once: failed',
        value: failed,
        unit: '',
        target: 0,
        detail: `${totalMs.toFixed(0)} ms for all`,
      });
    }
    if (wanted('terminal')) add(...(await terminalLines(server)));
    // The server gives memory back once a minute.
    await new Promise((done) => setTimeout(done, 65_000));
    add({
      name: 'server a minute after this work',
      value: residentMib(server.pid),
      unit: 'MiB',
      target: 180,
      detail: 'resident',
    });
  } finally {
    await server.destroy();
  }
  if (wanted('list')) add(...(await listOfMany(1_000)));
  console.log(`\n${lines.filter(isMet).length} of ${lines.length} figures meet their target`);
}

await main();
