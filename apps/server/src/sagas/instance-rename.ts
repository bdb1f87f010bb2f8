import { z } from 'zod';
import type { Saga } from '../operations/saga.ts';
import { instanceUrl, publishLifecycle } from '../services/lifecycle.ts';
import { machineOf } from '../services/machine.ts';
import { requestorSchema } from './row-schemas.ts';
import { leaveAsIs, type SagaDeps } from './saga-deps.ts';

export const instanceRenameParams = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  project: z.string(),
  requestor: requestorSchema,
});
export type InstanceRenameParams = z.infer<typeof instanceRenameParams>;

/** Host name and DNS name follow the name; nothing on the host is called by it. */
export function instanceRenameSaga(deps: SagaDeps): Saga<InstanceRenameParams> {
  const named = async (id: string, name: string) => machineOf(deps, { ...(await deps.store.instances.get(id)), name });
  const ports = async (id: string, name: string) => {
    for (const port of (await named(id, name)).ports) await deps.runtime.networks.bridge.ensurePort(port);
  };
  const configure = async (id: string, name: string) =>
    deps.runtime.instances.container.ensureConfigured((await named(id, name)).spec);
  return {
    kind: 'instance-rename',
    params: instanceRenameParams,
    steps: [
      {
        name: 'record',
        run: async ({ id, to }) => void (await deps.store.instances.update(id, { name: to })),
        undo: async ({ id, from }) => void (await deps.store.instances.update(id, { name: from })),
      },
      { name: 'ports', run: ({ id, to }) => ports(id, to), undo: ({ id, from }) => ports(id, from) },
      { name: 'configure', run: ({ id, to }) => configure(id, to), undo: ({ id, from }) => configure(id, from) },
      {
        name: 'templates',
        run: async ({ id, to }) => deps.templates.apply(await named(id, to), 'rename'),
        // What made the templates fail would make this fail, too; the name itself must come back all the same.
        undo: async ({ id, from }) =>
          deps.templates
            .apply(await named(id, from), 'rename')
            .catch((error: unknown) =>
              deps.log.warn({ err: error, instance: from }, 'templates of the old name failed'),
            ),
      },
      {
        name: 'tell',
        async run({ from, to, project, requestor }) {
          publishLifecycle(deps, {
            action: 'instance-renamed',
            source: instanceUrl(to),
            name: to,
            project,
            requestor,
            context: { old_name: from },
          });
        },
        undo: leaveAsIs,
      },
    ],
  };
}
