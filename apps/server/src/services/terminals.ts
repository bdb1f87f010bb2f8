import { DomainError } from '@stapes/contract/errors';
import { createTerminalSchema, type TerminalSession } from '@stapes/contract/terminal';
import type { ExecSpec } from '@stapes/runtime/instances/driver';
import type { HostedTerminal } from '@stapes/runtime/terminals/terminal-host';
import { mintId } from '../store/mint-id.ts';
import type { InstanceRow } from '../store/store.ts';
import type { Context } from './context.ts';
import type { ServiceDeps } from './deps.ts';
import { requireInstance } from './instance-views.ts';
import { instanceUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { effectiveOf, environmentOf, idmapOf, storageDriver, toPoolRef } from './machine.ts';
import { findAccount, parseAccounts, type Account } from './passwd.ts';
import type { TerminalsService } from './services.ts';
import { admit, parse } from './validate.ts';

const maxPasswdBytes = 1024 * 1024;

/** Reads the instance's own /etc/passwd: users are resolved where they live. */
async function accountOf(deps: ServiceDeps, row: InstanceRow, user: string): Promise<Account> {
  const files = deps.runtime.instances.container.can.files;
  const pool = toPoolRef(await deps.store.pools.get(row.poolId));
  const rootfs = storageDriver(deps, pool.driver).volumes.rootfs({ pool, id: row.volumeId });
  const { config } = await effectiveOf(deps.store, row);
  let text = '';
  try {
    const found = await files?.read({
      ref: { id: row.id },
      rootfs,
      idmap: idmapOf(config, row.config),
      path: '/etc/passwd',
    });
    for await (const chunk of found?.stream ?? []) {
      text += chunk.toString();
      if (text.length > maxPasswdBytes) break;
    }
  } catch (error) {
    deps.log.debug({ err: error, instance: row.name }, 'cannot read /etc/passwd of the instance');
  }
  const account = findAccount(parseAccounts(text), user);
  if (!account)
    throw new DomainError('not-found', `There is no user "${user}" in the instance "${row.name}"`, {
      details: { field: 'user' },
    });
  return account;
}

async function shellSpec(
  deps: ServiceDeps,
  row: InstanceRow,
  request: { user: string; shell: string },
): Promise<ExecSpec> {
  const account = await accountOf(deps, row, request.user);
  const effective = await effectiveOf(deps.store, row);
  const shell = request.shell || account.shell;
  return {
    command: [shell, '-l'],
    environment: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      ...environmentOf(effective.config),
      TERM: 'xterm-256color',
      HOME: account.home,
      USER: account.name,
      LOGNAME: account.name,
      SHELL: shell,
    },
    cwd: account.home,
    uid: account.uid,
    gid: account.gid,
  };
}

function toSession(hosted: HostedTerminal, names: Map<string, string>): TerminalSession {
  const { meta } = hosted;
  return {
    id: hosted.id,
    project: meta.project ?? 'default',
    instance: names.get(meta.instanceId ?? '') ?? meta.instance ?? '',
    command: (meta.command ?? '').split('\0').filter(Boolean),
    user: meta.user ?? '',
    title: hosted.title,
    cols: hosted.cols,
    rows: hosted.rows,
    created_at: new Date(hosted.createdAtMs).toISOString(),
    clients: hosted.clients,
    status: hosted.status,
    exit_code: hosted.exitCode,
  };
}

export function createTerminalsService(deps: ServiceDeps): TerminalsService {
  const host = deps.runtime.terminals;
  const names = async () => new Map((await deps.store.instances.list()).map((row) => [row.id, row.name]));
  const mine = async (context: Context): Promise<HostedTerminal[]> =>
    (await host.list()).filter(({ meta }) => (meta.project ?? 'default') === context.project);
  const need = async (context: Context, id: string): Promise<HostedTerminal> => {
    const found = (await mine(context)).find((session) => session.id === id);
    if (!found)
      throw new DomainError('not-found', 'There is no such terminal session; it was closed, or the host was restarted');
    return found;
  };
  return {
    async list(context) {
      admit(context);
      const known = await names();
      return (await mine(context)).map((session) => toSession(session, known));
    },
    async create(context, input) {
      admit(context);
      const request = parse(createTerminalSchema, input);
      const row = await requireInstance(deps, context.project, request.instance);
      const power = deps.runtime.instances.container.can.exec;
      if (!power) throw new DomainError('unsupported', 'This kind of instance has no terminal');
      const spec = await shellSpec(deps, row, request);
      const command = await power.command({ id: row.id }, spec);
      const meta = {
        project: row.project,
        instanceId: row.id,
        instance: row.name,
        user: request.user,
        command: spec.command.join('\0'),
      };
      const hosted = await host.create({ id: mintId(), command, cols: request.cols, rows: request.rows, meta });
      publishLifecycle(deps, {
        action: 'instance-exec',
        source: instanceUrl(row.name),
        name: row.name,
        project: row.project,
        requestor: requestorOf(context),
        context: { command: spec.command },
      });
      return toSession(hosted, new Map([[row.id, row.name]]));
    },
    async attach(context, id, size) {
      admit(context);
      await need(context, id);
      return host.attach(id, size);
    },
    async close(context, id) {
      admit(context);
      await need(context, id);
      await host.close(id);
    },
  };
}
