import { DomainError } from '@stapes/contract/errors';
import { whyNot } from '@stapes/contract/abilities';
import type { FileTarget } from '@stapes/runtime/instances/driver';
import type { Context } from './context.ts';
import type { ServiceDeps } from './deps.ts';
import { requireInstance } from './instance-views.ts';
import { instanceUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { effectiveOf, idmapOf, storageDriver, toPoolRef } from './machine.ts';
import type { FilesService } from './services.ts';
import { admit, invalid } from './validate.ts';

const maxLinkBytes = 4096;

async function readLinkTarget(content: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of content) {
    text += chunk.toString();
    if (text.length > maxLinkBytes)
      throw new DomainError('too-large', `The target of a link has at most ${maxLinkBytes} bytes`);
  }
  return text.replace(/\n$/, '');
}

export function createFilesService(deps: ServiceDeps): FilesService {
  async function target(
    context: Context,
    name: string,
    path: string,
  ): Promise<{ files: NonNullable<typeof power>; target: FileTarget }> {
    admit(context);
    if (!path.startsWith('/') || path.includes('\0') || path.length > 4096)
      throw invalid('path', 'Give an absolute path');
    const row = await requireInstance(deps, context.project, name);
    if (!power) throw new DomainError('unsupported', 'This kind of instance has no file access');
    const { status } = await deps.runtime.instances.container.inspect({ id: row.id });
    const reason = whyNot('files', status);
    if (reason) throw new DomainError('wrong-state', `The files of "${name}" cannot be reached now: ${reason}`);
    const pool = toPoolRef(await deps.store.pools.get(row.poolId));
    const rootfs = storageDriver(deps, pool.driver).volumes.rootfs({ pool, id: row.volumeId });
    const { config } = await effectiveOf(deps.store, row);
    return { files: power, target: { ref: { id: row.id }, rootfs, idmap: idmapOf(config, row.config), path } };
  }
  const power = deps.runtime.instances.container.can.files;
  const tell = (context: Context, name: string, action: string, path: string) =>
    publishLifecycle(deps, {
      action,
      source: instanceUrl(name),
      name,
      project: context.project,
      requestor: requestorOf(context),
      context: { path },
    });
  return {
    async read(context, name, path) {
      const on = await target(context, name, path);
      const found = await on.files.read(on.target);
      tell(context, name, 'instance-file-retrieved', path);
      return found;
    },
    async stat(context, name, path) {
      const on = await target(context, name, path);
      return on.files.stat(on.target);
    },
    async write(context, name, path, content, options) {
      const on = await target(context, name, path);
      const { type, append, ...owner } = options;
      if (type === 'directory') await on.files.makeDirectory(on.target, owner);
      else if (type === 'symlink') {
        const { mode: _mode, ...link } = owner;
        await on.files.makeSymlink(on.target, await readLinkTarget(content), link);
      } else await on.files.write(on.target, content, { append, ...owner });
      tell(context, name, 'instance-file-pushed', path);
    },
    async remove(context, name, path, options) {
      const on = await target(context, name, path);
      await on.files.remove(on.target, options);
      tell(context, name, 'instance-file-deleted', path);
    },
  };
}
