import { DomainError } from '@stapes/contract/errors';
import { instanceTypes, type InstanceType } from '@stapes/contract/instance';
import { listAnswer, recursionOf, urlOf } from './list.ts';
import { fieldOf, newNameOf } from './rename.ts';
import { param, started, sync, tagged, type Answer, type Call, type Route } from './route.ts';

/** Type that is asked for by `instance-type=`, or by the address of a type (`/1.0/containers`). */
function typeOf(call: Call): InstanceType | null {
  const text = call.query.get('instance-type') ?? call.path.match(/^\/1\.0\/(container|virtual-machine)s$/)?.[1] ?? '';
  if (text === '') return null;
  const type = instanceTypes.find((known) => known === text);
  if (!type)
    throw new DomainError('invalid', 'The instance type is "container" or "virtual-machine"', {
      details: { field: 'instance-type' },
    });
  return type;
}

async function list(call: Call): Promise<Answer> {
  const type = typeOf(call);
  const items =
    recursionOf(call) >= 2
      ? await call.services.instances.listFull(call.context)
      : await call.services.instances.list(call.context);
  const chosen = type === null ? items : items.filter((instance) => instance.type === type);
  return listAnswer(call, chosen, (instance) => urlOf('instances', instance.name));
}

/** A create answers to JSON only; anything else would be a backup or a migration. */
async function create(call: Call): Promise<Answer> {
  const source = fieldOf(fieldOf(call.body, 'source'), 'type');
  if (source === 'migration')
    throw new DomainError('unsupported', 'Copies from another server are not supported by this server yet');
  return started(await call.services.instances.create(call.context, call.body));
}

/** All instances of the project that the action could change, one operation each; the answer is the one that says most about the outcome. */
async function bulkState(call: Call): Promise<Answer> {
  const names = (await call.services.instances.list(call.context)).map((instance) => instance.name);
  if (names.length === 0) throw new DomainError('not-found', 'There is no instance');
  const operations = await call.services.instances.bulkState(call.context, names, fieldOf(call.body, 'state'));
  const ended = await Promise.all(
    operations.map((operation) => call.services.operations.wait(call.context, operation.id, -1)),
  );
  const shown = ended.find((operation) => operation.status !== 'Success') ?? ended[0];
  if (!shown) throw new DomainError('wrong-state', 'There is no instance whose state this could change');
  return started(shown);
}

async function rename(call: Call): Promise<Answer> {
  for (const field of ['migration', 'pool', 'project', 'target'] as const) {
    const value = fieldOf(call.body, field);
    if (value !== undefined && value !== false && value !== '' && value !== null) {
      throw new DomainError(
        'unsupported',
        'Moving to another server, pool or project is not supported by this server yet',
        { details: { field } },
      );
    }
  }
  return started(await call.services.instances.rename(call.context, param(call, 'name'), newNameOf(call.body)));
}

const stateRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/instances/:name/state',
    permission: 'admin',
    handler: async (call) => sync(await call.services.instances.state(call.context, param(call, 'name'))),
  },
  {
    method: 'PUT',
    path: '/1.0/instances/:name/state',
    permission: 'admin',
    handler: async (call) =>
      started(await call.services.instances.setState(call.context, param(call, 'name'), call.body)),
  },
  {
    method: 'POST',
    path: '/1.0/instances/:name/exec',
    permission: 'admin',
    handler: async (call) => started(await call.services.instances.exec(call.context, param(call, 'name'), call.body)),
  },
  {
    method: 'GET',
    path: '/1.0/instances/:name/metadata',
    permission: 'admin',
    handler: async (call) => sync(await call.services.instances.metadata(call.context, param(call, 'name'))),
  },
];

export const instanceRoutes: Route[] = [
  { method: 'GET', path: '/1.0/instances', permission: 'admin', handler: list },
  { method: 'POST', path: '/1.0/instances', permission: 'admin', handler: create },
  { method: 'PUT', path: '/1.0/instances', permission: 'admin', handler: bulkState },
  {
    method: 'GET',
    path: '/1.0/instances/:name',
    permission: 'admin',
    handler: async (call) => {
      const { instances } = call.services;
      const name = param(call, 'name');
      return tagged(
        recursionOf(call) >= 1 ? await instances.getFull(call.context, name) : await instances.get(call.context, name),
      );
    },
  },
  { method: 'POST', path: '/1.0/instances/:name', permission: 'admin', handler: rename },
  {
    method: 'PUT',
    path: '/1.0/instances/:name',
    permission: 'admin',
    handler: async (call) =>
      started(await call.services.instances.put(call.context, param(call, 'name'), call.body, call.ifMatch)),
  },
  {
    method: 'PATCH',
    path: '/1.0/instances/:name',
    permission: 'admin',
    handler: async (call) => {
      if (fieldOf(call.body, 'restore'))
        throw new DomainError('invalid', 'A restore is asked for with PUT', { details: { field: 'restore' } });
      return started(await call.services.instances.patch(call.context, param(call, 'name'), call.body, call.ifMatch));
    },
  },
  {
    method: 'DELETE',
    path: '/1.0/instances/:name',
    permission: 'admin',
    handler: async (call) => started(await call.services.instances.remove(call.context, param(call, 'name'))),
  },
  ...stateRoutes,
];
