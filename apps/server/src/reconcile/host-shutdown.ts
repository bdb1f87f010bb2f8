import { messageOf } from '@stapes/contract/errors';
import type { BaseDeps } from '../services/deps.ts';
import { instanceUrl, publishLifecycle, requestorOf, serverContext } from '../services/lifecycle.ts';
import { effectiveOf } from '../services/machine.ts';
import type { InstanceRow } from '../store/store.ts';
import { bootKey } from './reconcile.ts';

const defaultTimeoutS = 30;

interface Leaving {
  row: InstanceRow;
  priority: number;
  graceMs: number;
}

async function leavingOf(deps: BaseDeps, row: InstanceRow): Promise<Leaving> {
  const { config } = await effectiveOf(deps.store, row).catch(() => row);
  const timeoutS = Number(config['boot.host_shutdown_timeout'] ?? defaultTimeoutS);
  return {
    row,
    priority: Number(config['boot.stop.priority'] ?? 0) || 0,
    graceMs: (Number.isNaN(timeoutS) ? defaultTimeoutS : timeoutS) * 1000,
  };
}

/**
 * The host goes down: every running instance is shut down, the highest `boot.stop.priority` first and those of one priority together, and killed
 * when its time is over. They stay wanted as running, so that the next start of the server starts them again. Nothing else may run by now.
 */
export async function shutDownInstances(deps: BaseDeps): Promise<void> {
  // Whatever starts next finds a new boot, even if the host did not go down after all.
  await deps.store.settings.set(bootKey, 'shut down');
  const driver = deps.runtime.instances.container;
  const running = await driver.inspectAll();
  const rows = (await deps.store.instances.list()).filter(({ id }) => running.has(id));
  const leaving = await Promise.all(rows.map((row) => leavingOf(deps, row)));
  const priorities = [...new Set(leaving.map(({ priority }) => priority))].sort((a, b) => b - a);
  for (const priority of priorities) {
    const together = leaving.filter((one) => one.priority === priority);
    await Promise.all(together.map((one) => shutDown(deps, one)));
  }
}

async function shutDown(deps: BaseDeps, { row, graceMs }: Leaving): Promise<void> {
  try {
    await deps.runtime.instances.container.ensureStopped({ id: row.id }, { graceMs, force: true });
    publishLifecycle(deps, {
      action: 'instance-shutdown',
      source: instanceUrl(row.name),
      name: row.name,
      project: row.project,
      requestor: requestorOf(serverContext()),
    });
  } catch (error) {
    deps.log.error({ err: error, instance: row.name }, `could not be shut down with the host: ${messageOf(error)}`);
  }
}
