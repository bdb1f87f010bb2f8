import { DomainError } from '@stapes/contract/errors';
import { listAnswer, urlOf } from './list.ts';
import { param, sync, type Route } from './route.ts';

/** Projects are one: `default`, which owns everything. */
const defaultProject = {
  name: 'default',
  description: 'Default project',
  config: {
    'features.images': 'true',
    'features.networks': 'true',
    'features.networks.zones': 'true',
    'features.profiles': 'true',
    'features.storage.buckets': 'true',
    'features.storage.volumes': 'true',
  },
  used_by: [] as string[],
};
const refuse = (): never => {
  throw new DomainError('unsupported', 'Projects other than "default" are not supported by this server yet');
};

export const projectRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/projects',
    permission: 'admin',
    handler: (call) => listAnswer(call, [defaultProject], (project) => urlOf('projects', project.name)),
  },
  {
    method: 'GET',
    path: '/1.0/projects/:name',
    permission: 'admin',
    handler: (call) => {
      if (param(call, 'name') !== defaultProject.name) throw new DomainError('not-found', 'Project not found');
      return sync(defaultProject);
    },
  },
  { method: 'POST', path: '/1.0/projects', permission: 'admin', handler: refuse },
  { method: 'PUT', path: '/1.0/projects/:name', permission: 'admin', handler: refuse },
  { method: 'PATCH', path: '/1.0/projects/:name', permission: 'admin', handler: refuse },
  { method: 'POST', path: '/1.0/projects/:name', permission: 'admin', handler: refuse },
  { method: 'DELETE', path: '/1.0/projects/:name', permission: 'admin', handler: refuse },
];
