import { hostname, release, version } from 'node:os';
import { checkConfig } from '@stapes/contract/config-keys/registry';
import { configSchema, type Config } from '@stapes/contract/instance';
import { z } from 'zod';
import { etagOf, requireMatch } from './etag.ts';
import { hostResources } from './host-resources.ts';
import { hostArchitecture } from './instance-plan.ts';
import type { ServiceDeps } from './deps.ts';
import { publishLifecycle, requestorOf } from './lifecycle.ts';
import type { ServerService } from './services.ts';
import { admit, invalid, parse, withoutEmpty } from './validate.ts';

const serverVersion = '0.1.0';
const configPrefix = 'config.';
const bodySchema = z.object({ config: configSchema.nullish() });

/** Settings of the API lie beside others of the server; these have a prefix of their own. */
async function serverConfig(deps: ServiceDeps): Promise<Config> {
  const all = Object.entries(await deps.store.settings.all());
  return Object.fromEntries(
    all.flatMap(([key, value]) => (key.startsWith(configPrefix) ? [[key.slice(configPrefix.length), value]] : [])),
  );
}

function listenAddress(deps: ServiceDeps): string {
  const { host, port } = deps.config.listen;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

async function environment(deps: ServiceDeps): Promise<Record<string, unknown>> {
  const drivers = await Promise.all(
    Object.entries(deps.runtime.storage).map(async ([name, driver]) =>
      (await driver.probe()) === null ? [{ Name: name, Version: '1', Remote: false }] : [],
    ),
  );
  const usable = drivers.flat();
  const pools = new Set((await deps.store.pools.list()).map(({ driver }) => driver));
  return {
    addresses: [listenAddress(deps)],
    architectures: [hostArchitecture()],
    certificate: '',
    certificate_fingerprint: '',
    driver: 'lxc',
    driver_version: '5',
    firewall: 'nftables',
    kernel: 'Linux',
    kernel_architecture: hostArchitecture(),
    kernel_features: { idmapped_mounts: 'true' },
    kernel_version: release(),
    lxc_features: {},
    os_name: version().split(' ')[0] ?? 'Linux',
    os_version: '',
    project: 'default',
    server: 'stapes',
    server_clustered: false,
    server_event_mode: 'full-mesh',
    server_name: hostname(),
    server_pid: process.pid,
    server_version: serverVersion,
    storage: [...pools].join(' | '),
    storage_version: [...pools].map(() => '1').join(' | '),
    storage_supported_drivers: usable,
  };
}

export function createServerService(deps: ServiceDeps): ServerService {
  return {
    async info(context) {
      const base = { api_status: 'stable', api_version: '1.0', auth_methods: ['tls'], public: false };
      if (context.identity.protocol === 'none') {
        const value = { ...base, auth: 'untrusted', config: {}, api_extensions: [] };
        return { value, etag: etagOf(value) };
      }
      admit(context);
      const config = { 'core.https_address': listenAddress(deps), ...(await serverConfig(deps)) };
      const value = {
        ...base,
        auth: 'trusted',
        auth_user_name: context.identity.username,
        auth_user_method: context.identity.protocol,
        config,
        environment: await environment(deps),
        unreadable: deps.store.unreadable(),
      };
      return { value, etag: etagOf(config) };
    },
    async resources(context) {
      admit(context);
      return hostResources();
    },
    async putConfig(context, input, merge, match) {
      admit(context);
      const before = await serverConfig(deps);
      const shown = { 'core.https_address': listenAddress(deps), ...before };
      requireMatch(match, etagOf(shown));
      const given = parse(bodySchema, input).config ?? {};
      // Clients send back what they were shown.
      const { 'core.https_address': address, ...wanted } = given;
      if (address !== undefined && address !== listenAddress(deps))
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
