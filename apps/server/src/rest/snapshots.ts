import type { Snapshot } from '@stapes/contract/instance';
import { DomainError } from '@stapes/contract/errors';
import { listAnswer, urlOf } from './list.ts';
import { fieldOf, newNameOf } from './rename.ts';
import { param, started, tagged, type Call, type Route } from './route.ts';

const update = async (call: Call) =>
  started(
    await call.services.snapshots.update(
      call.context,
      param(call, 'name'),
      param(call, 'snapshot'),
      call.body,
      call.ifMatch,
    ),
  );

export const snapshotRoutes: Route[] = [
  {
    method: 'GET',
    path: '/1.0/instances/:name/snapshots',
    permission: 'admin',
    handler: async (call) => {
      const name = param(call, 'name');
      const snapshots = await call.services.snapshots.list(call.context, name);
      return listAnswer(call, snapshots, (snapshot: Snapshot) => urlOf('instances', name, 'snapshots', snapshot.name));
    },
  },
  {
    method: 'POST',
    path: '/1.0/instances/:name/snapshots',
    permission: 'admin',
    handler: async (call) =>
      started(await call.services.snapshots.create(call.context, param(call, 'name'), call.body ?? {})),
  },
  {
    method: 'GET',
    path: '/1.0/instances/:name/snapshots/:snapshot',
    permission: 'admin',
    handler: async (call) =>
      tagged(await call.services.snapshots.get(call.context, param(call, 'name'), param(call, 'snapshot'))),
  },
  {
    method: 'POST',
    path: '/1.0/instances/:name/snapshots/:snapshot',
    permission: 'admin',
    handler: async (call) => {
      if (fieldOf(call.body, 'migration') === true)
        throw new DomainError('unsupported', 'Moving to another server is not supported by this server yet');
      return started(
        await call.services.snapshots.rename(
          call.context,
          param(call, 'name'),
          param(call, 'snapshot'),
          newNameOf(call.body),
        ),
      );
    },
  },
  { method: 'PUT', path: '/1.0/instances/:name/snapshots/:snapshot', permission: 'admin', handler: update },
  { method: 'PATCH', path: '/1.0/instances/:name/snapshots/:snapshot', permission: 'admin', handler: update },
  {
    method: 'DELETE',
    path: '/1.0/instances/:name/snapshots/:snapshot',
    permission: 'admin',
    handler: async (call) =>
      started(await call.services.snapshots.remove(call.context, param(call, 'name'), param(call, 'snapshot'))),
  },
];
