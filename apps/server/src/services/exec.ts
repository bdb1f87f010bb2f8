import { DomainError } from '@stapes/contract/errors';
import { execSchema, type ExecRequest } from '@stapes/contract/instance';
import type { Operation } from '@stapes/contract/operation';
import { spawnProcess } from '@stapes/runtime/host/run';
import type { ExecSpec, HostCommand } from '@stapes/runtime/instances/driver';
import type { StepTools } from '../operations/saga.ts';
import type { InstanceRow } from '../store/store.ts';
import type { Context } from './context.ts';
import { execOutputDirectory } from './exec-output.ts';
import { followControl, killCommand, signalCommand } from './exec-control.ts';
import { leftBehind, runDetached } from './exec-detached.ts';
import { openPty } from './exec-pty.ts';
import { ExecSockets, pausable, pumpFromSocket, pumpToSocket } from './exec-sockets.ts';
import type { InstanceDeps } from './instances.ts';
import { requireInstance } from './instance-views.ts';
import { instanceUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { effectiveOf, environmentOf } from './machine.ts';
import { admit, invalid, parse } from './validate.ts';

/** Post over `environment.*` over these. */
function defaultEnvironment(uid: number, interactive: boolean): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: uid === 0 ? '/root' : '/',
    ...(uid === 0 ? { USER: 'root' } : {}),
    LANG: 'C.UTF-8',
    ...(interactive ? { TERM: 'xterm-256color' } : {}),
  };
}

async function execSpec(deps: InstanceDeps, row: InstanceRow, request: ExecRequest): Promise<ExecSpec> {
  const effective = await effectiveOf(deps.store, row);
  const uid = request.user ?? 0;
  return {
    command: request.command,
    environment: {
      ...defaultEnvironment(uid, request.interactive ?? false),
      ...environmentOf(effective.config),
      ...(request.environment ?? {}),
    },
    cwd: request.cwd || (uid === 0 ? '/root' : '/'),
    uid,
    gid: request.group ?? 0,
  };
}

export async function exec(deps: InstanceDeps, context: Context, name: string, input: unknown): Promise<Operation> {
  admit(context);
  const request = parse(execSchema, input);
  const waits = request['wait-for-websocket'] ?? false;
  if (request['record-output'] && (waits || request.interactive))
    throw invalid('record-output', 'Output is recorded of commands without sockets only');
  if (request.interactive && !waits) throw invalid('interactive', 'An interactive command needs wait-for-websocket');
  const row = await requireInstance(deps, context.project, name);
  const power = deps.runtime.instances.container.can.exec;
  if (!power) throw new DomainError('unsupported', 'This kind of instance cannot run commands');
  const command = await power.command({ id: row.id }, await execSpec(deps, row, request));
  publishLifecycle(deps, {
    action: 'instance-exec',
    source: instanceUrl(name),
    name,
    project: row.project,
    requestor: requestorOf(context),
    context: { command: request.command },
  });
  const options = {
    description: 'Executing command',
    locks: [],
    resources: { instances: [instanceUrl(row.name)] },
    cancelable: true,
  };
  const metadata = {
    command: request.command,
    environment: request.environment ?? {},
    interactive: request.interactive ?? false,
  };
  if (!waits) {
    const recordIn = request['record-output'] ? execOutputDirectory(deps.config, row.id) : null;
    return deps.engine.startTask(context, 'instance-exec', { ...options, metadata }, (tools) =>
      runDetached({ instanceName: row.name, command, recordIn }, tools),
    );
  }
  const sockets = request.interactive
    ? new ExecSockets(['0', 'control'], ['0', 'control'])
    : new ExecSockets(['0', '1', '2', 'control'], ['0', '1', '2']);
  return deps.engine.startSocket(context, 'instance-exec', {
    ...options,
    metadata,
    secrets: sockets.secrets,
    connect: (fd, socket) => sockets.connect(fd, socket),
    run: async (tools) => {
      try {
        await sockets.ready(tools.signal);
        const size = { cols: request.width || 80, rows: request.height || 24 };
        return {
          return: request.interactive
            ? await runInteractive(command, size, sockets, tools)
            : await runPiped(command, sockets, tools),
        };
      } finally {
        // After the operation has its result; a client that still reads gets all that was sent before the close frame.
        setImmediate(() => sockets.close());
      }
    },
  });
}

/** A pty on fd 0. Also runs the text console. */
export async function runInteractive(
  command: HostCommand,
  size: { cols: number; rows: number },
  sockets: ExecSockets,
  tools: StepTools,
): Promise<number> {
  const pty = openPty(command, size);
  // A reader that has stopped must not keep a command that was ended.
  let isGivenUp = false;
  let giveUp: () => void = () => undefined;
  const givenUp = new Promise<void>((resolve) => (giveUp = resolve));
  const kill = () =>
    void killCommand(pty.pid).finally(() => {
      isGivenUp = true;
      pty.kill();
      pty.resume();
      giveUp();
    });
  tools.signal.addEventListener('abort', kill, { once: true });
  let exited = false;
  const exit = new Promise<number>((resolve) => pty.onExit((code) => resolve(code)));
  let sent: Promise<void> = Promise.resolve();
  sockets.on('0', (socket) => {
    sent = pumpToSocket(
      {
        onData: (listener) => pty.onData(listener),
        onEnd: (listener) => pty.onExit(() => listener()),
        pause: () => (isGivenUp ? undefined : pty.pause()),
        resume: () => pty.resume(),
      },
      socket,
    );
    // End of file on a terminal is a character.
    pumpFromSocket(socket, {
      write: (chunk) => (pty.write(chunk), true),
      onDrain: () => undefined,
      end: () => (exited ? undefined : pty.write(Buffer.from([4]))),
    });
  });
  sockets.on('control', (socket) =>
    followControl(socket, {
      resize: (cols, rows) => pty.resize(cols, rows),
      signal: (number) => void signalCommand(pty.pid, number),
      lost: () => (exited ? undefined : kill()),
    }),
  );
  const code = await exit;
  exited = true;
  await Promise.race([sent, givenUp]);
  tools.signal.removeEventListener('abort', kill);
  return code;
}

async function runPiped(command: HostCommand, sockets: ExecSockets, tools: StepTools): Promise<number> {
  const child = spawnProcess(command.file, command.args, { stdio: ['socket', 'socket', 'socket'], env: command.env });
  const { stdin, stdout, stderr, pid } = child;
  const exit = new Promise<number>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new DomainError('internal', `Cannot run ${command.file}: ${cause.message}`, { cause })),
    );
    child.on('exit', (code, signal) => resolve(code ?? (signal ? 137 : 1)));
  });
  if (pid === undefined || !stdin || !stdout || !stderr) return exit;
  let exited = false;
  const kill = () => (exited ? undefined : void killCommand(pid));
  tools.signal.addEventListener('abort', kill, { once: true });
  stdin.on('error', () => undefined);
  const sent: Promise<void>[] = [];
  sockets.on('0', (socket) =>
    pumpFromSocket(socket, {
      write: (chunk) => stdin.write(chunk),
      onDrain: (listener) => void stdin.on('drain', listener),
      end: () => void stdin.end(),
    }),
  );
  sockets.on('1', (socket) => {
    sent.push(pumpToSocket(pausable(stdout), socket));
    socket.once('close', () => (sockets.has('control') ? undefined : kill()));
  });
  sockets.on('2', (socket) => void sent.push(pumpToSocket(pausable(stderr), socket)));
  sockets.on('control', (socket) =>
    followControl(socket, { resize: () => undefined, signal: (number) => void signalCommand(pid, number), lost: kill }),
  );
  const code = await exit;
  exited = true;
  tools.signal.removeEventListener('abort', kill);
  await Promise.race([Promise.all(sent), leftBehind(stdout, stderr)]);
  return code;
}
