import type { Config, Devices } from '@stapes/contract/instance';

export interface Layer {
  config: Config;
  devices: Devices;
}

/** Profiles left to right, then the instance; config merges by key, devices by name as whole maps, `type: none` stays and masks. */
export function expand(profiles: readonly Layer[], own: Layer): Layer {
  const config: Config = {};
  const devices: Devices = {};
  for (const layer of [...profiles, own]) {
    Object.assign(config, layer.config);
    for (const [name, device] of Object.entries(layer.devices)) devices[name] = { ...device };
  }
  return { config, devices };
}

export function rootDisk(devices: Devices): { name: string; device: Record<string, string> } | null {
  for (const [name, device] of Object.entries(devices)) {
    if (device.type === 'disk' && device.path === '/') return { name, device };
  }
  return null;
}

export function nicDevices(devices: Devices): { name: string; device: Record<string, string> }[] {
  return Object.entries(devices)
    .filter(([, device]) => device.type === 'nic')
    .map(([name, device]) => ({ name, device }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** `volatile.*` keys that a copy does not take along: all but what it was made from. */
export function withoutVolatile(config: Config): Config {
  return Object.fromEntries(
    Object.entries(config).filter(([key]) => !key.startsWith('volatile.') || key === 'volatile.base_image'),
  );
}
