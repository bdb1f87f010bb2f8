import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@stapes/contract/errors';
import { execOutputDirectory } from './exec-output.ts';
import type { InstanceDeps } from './instances.ts';
import { requireInstance } from './instance-views.ts';
import { instanceUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import type { InstancesService } from './services.ts';
import { admit } from './validate.ts';

const recordedName = /^exec_[0-9a-f-]{36}\.(stdout|stderr)$/;
const recordedPrefix = 'exec-output/';
const maxRecordedBytes = 64 * 1024 * 1024;

type Logs = Pick<InstancesService, 'consoleLog' | 'clearConsoleLog' | 'logs' | 'log' | 'removeLog'>;

/** Logs of the driver, and recorded output as `exec-output/<file>`. Names are looked up in lists that we made. */
export function createInstanceLogs(deps: InstanceDeps): Logs {
  const { can } = deps.runtime.instances.container;
  const need = <T>(power: T | null): T => {
    if (power === null) throw new DomainError('unsupported', 'This kind of instance has no such log');
    return power;
  };
  const recorded = async (id: string): Promise<string[]> =>
    (await readdir(execOutputDirectory(deps.config, id)).catch(() => []))
      .filter((name) => recordedName.test(name))
      .map((name) => `${recordedPrefix}${name}`);
  const recordedPath = async (id: string, file: string): Promise<string> => {
    if (!(await recorded(id)).includes(file)) throw new DomainError('not-found', `There is no log "${file}"`);
    return join(execOutputDirectory(deps.config, id), file.slice(recordedPrefix.length));
  };
  return {
    async consoleLog(context, name) {
      admit(context);
      return need(can.consoleLog).read({ id: (await requireInstance(deps, context.project, name)).id });
    },
    async clearConsoleLog(context, name) {
      admit(context);
      const row = await requireInstance(deps, context.project, name);
      await need(can.consoleLog).clear({ id: row.id });
      publishLifecycle(deps, {
        action: 'instance-console-reset',
        source: instanceUrl(name),
        name,
        project: row.project,
        requestor: requestorOf(context),
      });
    },
    async logs(context, name) {
      admit(context);
      const { id } = await requireInstance(deps, context.project, name);
      return [...(await need(can.logs).list({ id })), ...(await recorded(id))];
    },
    async log(context, name, file) {
      admit(context);
      const { id } = await requireInstance(deps, context.project, name);
      if (!file.startsWith(recordedPrefix)) return need(can.logs).read({ id }, file);
      const path = await recordedPath(id, file);
      if ((await stat(path)).size > maxRecordedBytes)
        throw new DomainError('too-large', `The recorded output is bigger than ${maxRecordedBytes} bytes`);
      return readFile(path);
    },
    async removeLog(context, name, file) {
      admit(context);
      const { id } = await requireInstance(deps, context.project, name);
      if (!file.startsWith(recordedPrefix)) return need(can.logs).remove({ id }, file);
      await rm(await recordedPath(id, file), { force: true });
    },
  };
}
