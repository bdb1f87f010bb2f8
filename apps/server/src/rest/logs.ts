import { DomainError } from '@stapes/contract/errors';
import { contentDisposition, rawHeaders } from './headers.ts';
import { urlOf } from './list.ts';
import { done, param, sync, type Answer, type Call, type Route } from './route.ts';

/** Output of recorded commands stands under an address of its own; its files are named `exec_<operation>.stdout` and `.stderr`. */
const isExecOutput = (file: string) => file.startsWith('exec_');

async function fileAnswer(call: Call, file: string): Promise<Answer> {
  const body = await call.services.instances.log(call.context, param(call, 'name'), file);
  return { kind: 'raw', headers: { ...rawHeaders(), 'Content-Disposition': contentDisposition(file) }, body };
}

function execOutputOf(call: Call): string {
  const file = param(call, 'file');
  if (!isExecOutput(file)) throw new DomainError('not-found', 'Recorded output not found');
  return file;
}

export const logRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/instances/:name/logs',
    permission: 'admin',
    handler: async (call) => {
      const name = param(call, 'name');
      const files = await call.services.instances.logs(call.context, name);
      return sync(files.map((file) => urlOf('instances', name, 'logs', file)));
    },
  },
  {
    method: 'GET',
    path: '/1.0/instances/:name/logs/exec-output',
    permission: 'admin',
    handler: async (call) => {
      const name = param(call, 'name');
      const files = await call.services.instances.logs(call.context, name);
      return sync(files.filter(isExecOutput).map((file) => urlOf('instances', name, 'logs', 'exec-output', file)));
    },
  },
  {
    method: 'GET',
    path: '/1.0/instances/:name/logs/exec-output/:file',
    permission: 'admin',
    handler: (call) => fileAnswer(call, execOutputOf(call)),
  },
  {
    method: 'DELETE',
    path: '/1.0/instances/:name/logs/exec-output/:file',
    permission: 'admin',
    handler: async (call) => {
      await call.services.instances.removeLog(call.context, param(call, 'name'), execOutputOf(call));
      return done();
    },
  },
  {
    method: 'GET',
    path: '/1.0/instances/:name/logs/:file',
    permission: 'admin',
    handler: (call) => fileAnswer(call, param(call, 'file')),
  },
  {
    method: 'DELETE',
    path: '/1.0/instances/:name/logs/:file',
    permission: 'admin',
    handler: async (call) => {
      await call.services.instances.removeLog(call.context, param(call, 'name'), param(call, 'file'));
      return done();
    },
  },
];
