import { DomainError, messageOf } from '@stapes/contract/errors';
import {
  createProfileSchema,
  putProfileSchema,
  type CreateProfile,
  type Profile,
  type PutProfile,
} from '@stapes/contract/profile';
import { profileNameSchema } from '@stapes/contract/names';
import { mintId } from '../store/mint-id.ts';
import type { InstanceRow, ProfileRow } from '../store/store.ts';
import type { Context } from './context.ts';
import type { ServiceDeps } from './deps.ts';
import { effectiveChange } from './effective-change.ts';
import { etagOf, requireMatch } from './etag.ts';
import type { Layer } from './expand.ts';
import { instanceUrl, profileUrl, publishLifecycle, requestorOf } from './lifecycle.ts';
import { effectiveOf } from './machine.ts';
import { checkReferences } from './references.ts';
import type { ProfilesService } from './services.ts';
import { admit, parse, requireConfig, requireDevices, withoutEmpty } from './validate.ts';

const etag = (row: ProfileRow) => etagOf([row.config, row.description, row.devices]);

function toProfile(row: ProfileRow, instances: InstanceRow[]): Profile {
  const used_by = instances
    .filter((instance) => instance.project === row.project && instance.profiles.includes(row.name))
    .map(({ name }) => instanceUrl(name));
  return {
    name: row.name,
    description: row.description,
    config: row.config,
    devices: row.devices,
    used_by,
    project: row.project,
  };
}

async function need(deps: ServiceDeps, context: Context, name: string): Promise<ProfileRow> {
  const row = await deps.store.profiles.findByName(context.project, name);
  if (!row) throw new DomainError('not-found', `There is no profile "${name}"`);
  return row;
}

async function users(deps: ServiceDeps, row: ProfileRow): Promise<InstanceRow[]> {
  return (await deps.store.instances.list()).filter(
    (instance) =>
      instance.project === row.project && instance.phase === 'ready' && instance.profiles.includes(row.name),
  );
}

/** Stores a change and brings every instance that uses the profile in line. One that cannot follow is told in the log; its next start does it. */
async function change(
  deps: ServiceDeps,
  context: Context,
  row: ProfileRow,
  next: Required<Pick<ProfileRow, 'config' | 'devices' | 'description'>>,
): Promise<void> {
  requireConfig('instance', next.config);
  requireDevices(next.devices);
  await checkReferences(deps, next.devices, { exceptInstance: '' });
  const using = await users(deps, row);
  await deps.engine.withLocks([`profile:${row.id}`, ...using.map(({ id }) => `instance:${id}`)], async () => {
    const before = new Map<string, Layer>();
    for (const instance of using) before.set(instance.id, await effectiveOf(deps.store, instance));
    await deps.store.profiles.update(row.id, next);
    for (const instance of using) {
      try {
        const { warnings } = await effectiveChange(
          deps,
          instance,
          before.get(instance.id) ?? instance,
          await effectiveOf(deps.store, instance),
        );
        if (warnings.length > 0)
          deps.log.warn({ warnings, instance: instance.name, profile: row.name }, 'a device waits for the next start');
      } catch (error) {
        deps.log.warn(
          { err: error, instance: instance.name, profile: row.name },
          `the profile could not be applied: ${messageOf(error)}`,
        );
      }
    }
  });
  publishLifecycle(deps, {
    action: 'profile-updated',
    source: profileUrl(row.name),
    name: row.name,
    project: row.project,
    requestor: requestorOf(context),
  });
}

async function rename(deps: ServiceDeps, context: Context, name: string, newName: unknown): Promise<void> {
  const row = await need(deps, context, name);
  if (name === 'default') throw new DomainError('forbidden', 'The profile "default" cannot be renamed');
  const to = parse(profileNameSchema, newName, 'name');
  if (await deps.store.profiles.findByName(context.project, to))
    throw new DomainError('exists', `There is a profile "${to}" already: choose another name`, {
      details: { field: 'name' },
    });
  const using = await users(deps, row);
  await deps.engine.withLocks([`profile:${row.id}`, ...using.map(({ id }) => `instance:${id}`)], async () => {
    await deps.store.profiles.update(row.id, { name: to });
    for (const instance of using) {
      await deps.store.instances.update(instance.id, {
        profiles: instance.profiles.map((profile) => (profile === name ? to : profile)),
      });
    }
  });
  publishLifecycle(deps, {
    action: 'profile-renamed',
    source: profileUrl(to),
    name: to,
    project: row.project,
    requestor: requestorOf(context),
    context: { old_name: name },
  });
}

export function createProfilesService(deps: ServiceDeps): ProfilesService {
  const write = async (
    context: Context,
    name: string,
    options: { request: unknown; match: string | undefined; merge: boolean },
  ): Promise<PutProfile> => {
    admit(context);
    const row = await need(deps, context, name);
    requireMatch(options.match, etag(row));
    const parsed = parse(putProfileSchema, options.request);
    const base = options.merge ? row : { config: {}, devices: {}, description: '' };
    await change(deps, context, row, {
      config: withoutEmpty({ ...base.config, ...(parsed.config ?? {}) }),
      devices: { ...base.devices, ...(parsed.devices ?? {}) },
      description: parsed.description ?? base.description,
    });
    return parsed;
  };
  return {
    async list(context) {
      admit(context);
      const instances = await deps.store.instances.list();
      return (await deps.store.profiles.list())
        .filter(({ project }) => project === context.project)
        .map((row) => toProfile(row, instances));
    },
    async get(context, name) {
      admit(context);
      const row = await need(deps, context, name);
      return { value: toProfile(row, await deps.store.instances.list()), etag: etag(row) };
    },
    async create(context, request): Promise<CreateProfile> {
      admit(context);
      const parsed = parse(createProfileSchema, request);
      const config = withoutEmpty(parsed.config ?? {});
      requireConfig('instance', config);
      requireDevices(parsed.devices ?? {});
      await checkReferences(deps, parsed.devices ?? {}, { exceptInstance: '' });
      if (await deps.store.profiles.findByName(context.project, parsed.name)) {
        throw new DomainError('exists', `There is a profile "${parsed.name}" already: choose another name`, {
          details: { field: 'name' },
        });
      }
      await deps.store.profiles.create({
        id: mintId(),
        project: context.project,
        name: parsed.name,
        description: parsed.description ?? '',
        config,
        devices: parsed.devices ?? {},
      });
      publishLifecycle(deps, {
        action: 'profile-created',
        source: profileUrl(parsed.name),
        name: parsed.name,
        project: context.project,
        requestor: requestorOf(context),
      });
      return parsed;
    },
    put: (context, name, request, match) => write(context, name, { request, match, merge: false }),
    patch: (context, name, request, match) => write(context, name, { request, match, merge: true }),
    async rename(context, name, newName) {
      admit(context);
      await rename(deps, context, name, newName);
    },
    async remove(context, name) {
      admit(context);
      const row = await need(deps, context, name);
      if (name === 'default') throw new DomainError('forbidden', 'The profile "default" cannot be deleted');
      const using = (await deps.store.instances.list()).filter(
        (instance) => instance.project === row.project && instance.profiles.includes(name),
      );
      if (using.length > 0)
        throw new DomainError(
          'in-use',
          `The profile "${name}" is used by ${using
            .map((instance) => instance.name)
            .slice(0, 5)
            .join(', ')}: take it from them first`,
        );
      await deps.store.profiles.remove(row.id);
      publishLifecycle(deps, {
        action: 'profile-deleted',
        source: profileUrl(name),
        name,
        project: row.project,
        requestor: requestorOf(context),
      });
    },
  };
}
