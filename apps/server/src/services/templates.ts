import { Readable } from 'node:stream';
import { isDomainError } from '@stapes/contract/errors';
import type { FileTarget, InstanceFiles } from '@stapes/runtime/instances/driver';
import { renderTemplate, type TemplateVariables } from '@stapes/runtime/images/template';
import type { InstanceRow } from '../store/store.ts';
import type { BaseDeps } from './deps.ts';
import type { Machine } from './machine.ts';

export type TemplateTrigger = 'create' | 'copy' | 'start' | 'rename';
export interface Templates {
  /** Writes the files of the image's templates that this trigger asks for, beneath the root file system. */
  apply(machine: Machine, trigger: TemplateTrigger): Promise<void>;
}

async function isThere(files: InstanceFiles, target: FileTarget): Promise<boolean> {
  try {
    await files.stat(target);
    return true;
  } catch (error) {
    if (isDomainError(error) && error.code === 'not-found') return false;
    throw error;
  }
}

/** Folders above a file, for images that leave them to their templates (cloud-init's seed). */
async function ensureParents(files: InstanceFiles, target: FileTarget): Promise<void> {
  const parts = target.path.split('/').filter(Boolean).slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = { ...target, path: `/${parts.slice(0, depth).join('/')}` };
    if (!(await isThere(files, folder))) await files.makeDirectory(folder, { uid: 0, gid: 0, mode: 0o755 });
  }
}

type What = Pick<TemplateVariables, 'trigger' | 'path' | 'config' | 'properties'> & { privileged: boolean };

export function createTemplates(deps: BaseDeps): Templates {
  /** Null for a template that needs an engine that can do more than ours: the instance is better off without than not at all. */
  function render(row: InstanceRow, text: string, { privileged, ...what }: What): string | null {
    const instance = {
      name: row.name,
      type: row.type,
      architecture: row.architecture,
      ephemeral: String(row.ephemeral),
      privileged: String(privileged),
    };
    try {
      return renderTemplate(text, { ...what, instance });
    } catch (error) {
      if (!isDomainError(error) || error.code !== 'unsupported') throw error;
      deps.log.warn(
        { instance: row.name, path: what.path, reason: error.message },
        'a template of the image was left out',
      );
      return null;
    }
  }

  const { files } = deps.runtime.instances.container.can;
  return {
    async apply({ row, effective, spec }, trigger) {
      const entries = Object.entries(row.metadata?.templates ?? {}).filter(([, template]) =>
        template.when.includes(trigger),
      );
      if (!files || entries.length === 0) return;
      for (const [path, template] of entries) {
        const text = Object.hasOwn(row.templates, template.template) ? row.templates[template.template] : undefined;
        if (text === undefined) {
          deps.log.warn(
            { instance: row.name, template: template.template },
            'the image names a template that it does not hold',
          );
          continue;
        }
        const target = { ref: spec.ref, rootfs: spec.rootfs, idmap: spec.idmap, path };
        const exists = await isThere(files, target);
        if (template.create_only && exists) continue;
        const content = render(row, text, {
          trigger,
          path,
          config: effective.config,
          properties: template.properties ?? {},
          privileged: spec.idmap === null,
        });
        if (content === null) continue;
        if (!exists) await ensureParents(files, target);
        await files.write(target, Readable.from([Buffer.from(content)]), {
          append: false,
          uid: Number(template.uid ?? 0),
          gid: Number(template.gid ?? 0),
          mode: template.mode ? Number.parseInt(template.mode, 8) : 0o644,
        });
      }
    },
  };
}
