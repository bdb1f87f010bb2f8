import { basename } from 'node:path';
import { contentDisposition, rawHeaders } from './headers.ts';
import { urlOf } from './list.ts';
import { done, param, sync, type Answer, type Call, type Route } from './route.ts';

/** The service lists recorded output of commands among the logs, as `exec-output/<file>`; here it has addresses of its own. */
const recorded = 'exec-output/';

async function fileAnswer(call: Call, file: string): Promise<Answer> {
  const body = await call.services.instances.log(call.context, param(call, 'name'), file);
  return { kind: 'raw', headers: { ...rawHeaders(), 'Content-Disposition': contentDisposition(basename(file)) }, body };
}

const recordedOf = (call: Call) => `${recorded}${param(call, 'file')}`;

export const logRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/instances/:name/logs',
    permission: 'admin',
    handler: async (call) => {
      const name = param(call, 'name');
      const files = await call.services.instances.logs(call.context, name);
      return sync(
        files.filter((file) => !file.startsWith(recorded)).map((file) => urlOf('instances', name, 'logs', file)),
      );
    },
  },
  {
    method: 'GET',
    path: '/1.0/instances/:name/logs/exec-output',
    permission: 'admin',
    handler: async (call) => {
      const name = param(call, 'name');
      const files = await call.services.instances.logs(call.context, name);
      return sync(
        files
          .filter((file) => file.startsWith(recorded))
          .map((file) => urlOf('instances', name, 'logs', ...file.split('/'))),
      );
    },
  },
  {
    method: 'GET',
    path: '/1.0/instances/:name/logs/exec-output/:file',
    permission: 'admin',
    handler: (call) => fileAnswer(call, recordedOf(call)),
  },
  {
    method: 'DELETE',
    path: '/1.0/instances/:name/logs/exec-output/:file',
    permission: 'admin',
    handler: async (call) => {
      await call.services.instances.removeLog(call.context, param(call, 'name'), recordedOf(call));
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
