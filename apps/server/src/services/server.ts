import { createHash } from 'node:crypto';
import { checkConfig } from '@stapes/contract/config-keys/registry';
import { configSchema, type Config } from '@stapes/contract/instance';
import { z } from 'zod';
import { etagOf, requireMatch } from './etag.ts';
import { hostResources } from './resources/host-resources.ts';
import type { ServiceDeps } from './deps.ts';
import { publishLifecycle, requestorOf } from './lifecycle.ts';
import { createServerEnvironment, listenAddress } from './server-environment.ts';
import type { ServerService, Warning } from './services.ts';
import { admit, invalid, parse, withoutEmpty } from './validate.ts';

const configPrefix = 'config.';
const bodySchema = z.object({ config: configSchema.nullish() });

/** Settings of the API lie beside others of the server; these have a prefix of their own. */
async function serverConfig(deps: ServiceDeps): Promise<Config> {
  const all = Object.entries(await deps.store.settings.all());
  return Object.fromEntries(
    all.flatMap(([key, value]) => (key.startsWith(configPrefix) ? [[key.slice(configPrefix.length), value]] : [])),
  );
}

/** Rows of the database that cannot be read, as warnings of the API. */
function warnings(deps: ServiceDeps): Warning[] {
  return deps.store.unreadable().map(({ table, key, reason, seenAtMs }) => {
    const digest = createHash('sha256').update(`${table}\0${key}`).digest('hex');
    const seen = new Date(seenAtMs).toISOString();
    return {
      // The same row has the same id after a restart.
      uuid: digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5'),
      type: 'Unreadable database row',
      status: 'new',
      severity: 'high',
      count: 1,
      project: 'default',
      location: 'none',
      entity_url: '',
      first_seen_at: seen,
      last_seen_at: seen,
      last_message: `The stored ${table} "${key}" cannot be read and is left out: ${reason}`,
    };
  });
}

export function createServerService(deps: ServiceDeps): ServerService {
  const environment = createServerEnvironment(deps);
  return {
    async info(context) {
      const base = { api_status: 'stable', api_version: '1.0', auth_methods: ['tls'], public: false };
      if (context.identity.protocol === 'none') {
        const value = { ...base, auth: 'untrusted', config: {}, api_extensions: [] };
        return { value, etag: etagOf(value) };
      }
      admit(context);
      const config = { 'core.https_address': listenAddress(deps.config), ...(await serverConfig(deps)) };
      const value = {
        ...base,
        auth: 'trusted',
        auth_user_name: context.identity.username,
        auth_user_method: context.identity.protocol,
        config,
        environment: await environment(),
        unreadable: deps.store.unreadable(),
      };
      return { value, etag: etagOf(config) };
    },
    async warnings(context) {
      admit(context);
      return warnings(deps);
    },
    async resources(context) {
      admit(context);
      return hostResources();
    },
    async putConfig(context, input, merge, match) {
      admit(context);
      const before = await serverConfig(deps);
      const shown = { 'core.https_address': listenAddress(deps.config), ...before };
      requireMatch(match, etagOf(shown));
      const given = parse(bodySchema, input).config ?? {};
      // Clients send back what they were shown.
      const { 'core.https_address': address, ...wanted } = given;
      if (address !== undefined && address !== listenAddress(deps.config))
        throw invalid('config.core.https_address', 'Set the address in the settings of the host (STAPES_LISTEN)');
      const problem = checkConfig('server', wanted)[0];
      if (problem) throw invalid(`config.${problem.key}`, problem.message);
      const next = withoutEmpty(merge ? { ...before, ...wanted } : wanted);
      for (const key of new Set([...Object.keys(before), ...Object.keys(next)])) {
        if (before[key] !== next[key]) await deps.store.settings.set(`${configPrefix}${key}`, next[key] ?? null);
      }
      publishLifecycle(deps, { action: 'config-updated', source: '/1.0', name: '', requestor: requestorOf(context) });
    },
  };
}
