import type { CreateInstance, Device } from '@stapes/contract/instance';
import type { Profile } from '@stapes/contract/profile';
import { stringify } from 'yaml';

/** What the form holds: text as typed. Empty means "as the profiles say". */
export interface CreateValues {
  /** `image:<fingerprint>` or `recipe:<name>`; empty until one is chosen. */
  image: string;
  name: string;
  description: string;
  profiles: string[];
  cpu: string;
  memory: string;
  processes: string;
  /** Name of a network; empty as the profiles say, `-` for none. */
  network: string;
  pool: string;
  rootSize: string;
  user: string;
  sshKeys: string;
  userData: string;
  environment: string;
  start: boolean;
  ephemeral: boolean;
  nesting: boolean;
  autostart: boolean;
}
export type CreateField = keyof CreateValues;

export const emptyValues: CreateValues = {
  image: '',
  name: '',
  description: '',
  profiles: ['default'],
  cpu: '',
  memory: '',
  processes: '',
  network: '',
  pool: '',
  rootSize: '',
  user: '',
  sshKeys: '',
  userData: '',
  environment: '',
  start: true,
  ephemeral: false,
  nesting: false,
  autostart: false,
};

export interface ImageChoice {
  id: string;
  title: string;
  detail: string;
  source: CreateInstance['source'];
  /** What happens before the instance can start: nothing, or a build. */
  before: 'nothing' | 'prepared' | 'build';
}

/** Device of a kind that the chosen profiles bring; the last profile wins. */
export function profileDevice(
  profiles: readonly Profile[],
  chosen: readonly string[],
  matches: (device: Device) => boolean,
): { name: string; device: Device } | null {
  let found: { name: string; device: Device } | null = null;
  for (const profileName of chosen) {
    const profile = profiles.find((one) => one.name === profileName);
    for (const [name, device] of Object.entries(profile?.devices ?? {})) if (matches(device)) found = { name, device };
  }
  return found;
}
export const isRoot = (device: Device) => device.type === 'disk' && device.path === '/';
export const isNic = (device: Device) => device.type === 'nic';

/** `KEY=value` lines; blank ones and `#` comments are left out. A line without `=` is kept as a key, so that the server names it. */
export function parseEnvironment(text: string): [string, string][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const at = line.indexOf('=');
      return at === -1 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1)];
    });
}

/** Cloud-init's user data: what was typed, or made of the user and the keys. */
export function userDataOf(values: Pick<CreateValues, 'user' | 'sshKeys' | 'userData'>): string {
  if (values.userData.trim() !== '') return values.userData;
  const keys = values.sshKeys
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (keys.length === 0 && values.user.trim() === '') return '';
  const user = {
    name: values.user.trim() || 'root',
    ...(keys.length > 0 ? { ssh_authorized_keys: keys } : {}),
    shell: '/bin/bash',
    sudo: 'ALL=(ALL) NOPASSWD:ALL',
  };
  return `#cloud-config\n${stringify({ users: values.user.trim() ? ['default', user] : [{ name: 'root', ssh_authorized_keys: keys }] })}`;
}

function devicesOf(values: CreateValues, profiles: readonly Profile[]): Record<string, Device> {
  const devices: Record<string, Device> = {};
  const root = profileDevice(profiles, values.profiles, isRoot);
  if (values.pool || values.rootSize) {
    const size = values.rootSize.trim();
    devices[root?.name ?? 'root'] = {
      ...root?.device,
      type: 'disk',
      path: '/',
      pool: values.pool || root?.device.pool || '',
      ...(size ? { size } : {}),
    };
  }
  const nic = profileDevice(profiles, values.profiles, isNic);
  if (values.network === '-') {
    if (nic) devices[nic.name] = { type: 'none' };
  } else if (values.network)
    devices[nic?.name ?? 'eth0'] = { type: 'nic', network: values.network, name: nic?.device.name ?? 'eth0' };
  return devices;
}

/** The request that the form stands for: preview, create, command line and API call are all made of this one. */
export function requestOf(
  values: CreateValues,
  choice: ImageChoice | null,
  profiles: readonly Profile[],
): CreateInstance {
  const config: Record<string, string> = {
    // Each instance that is made here has a range of host ids of its own.
    'security.idmap.isolated': 'true',
    'limits.cpu': values.cpu.trim(),
    'limits.memory': values.memory.trim(),
    'limits.processes': values.processes.trim(),
    'security.nesting': values.nesting ? 'true' : '',
    'boot.autostart': values.autostart ? 'true' : '',
    'cloud-init.user-data': userDataOf(values),
    ...Object.fromEntries(parseEnvironment(values.environment).map(([key, value]) => [`environment.${key}`, value])),
  };
  const devices = devicesOf(values, profiles);
  return {
    ...(values.name ? { name: values.name } : {}),
    ...(values.description.trim() ? { description: values.description.trim() } : {}),
    type: 'container',
    source: choice?.source ?? { type: 'image' },
    profiles: values.profiles,
    config: Object.fromEntries(
      Object.entries(config).filter(([key, value]) => value !== '' || key.startsWith('environment.')),
    ),
    ...(Object.keys(devices).length > 0 ? { devices } : {}),
    ...(values.ephemeral ? { ephemeral: true } : {}),
    start: values.start,
  };
}

const configFields: Record<string, CreateField> = {
  'limits.cpu': 'cpu',
  'limits.memory': 'memory',
  'limits.processes': 'processes',
  'cloud-init.user-data': 'userData',
  'security.nesting': 'nesting',
  'boot.autostart': 'autostart',
};

/** Field of the form to which an error of the server belongs; null when it belongs to none. */
export function fieldOf(path: string | undefined): CreateField | null {
  if (!path) return null;
  const [head, ...rest] = path.split('.');
  const tail = rest.join('.');
  if (head === 'source') return 'image';
  if (head === 'name' || head === 'description' || head === 'profiles' || head === 'ephemeral') return head;
  if (head === 'config') return tail.startsWith('environment.') ? 'environment' : (configFields[tail] ?? null);
  if (head !== 'devices') return null;
  const key = rest.at(-1);
  if (key === 'size') return 'rootSize';
  if (key === 'pool' || tail === 'root') return 'pool';
  return key === 'network' || key === 'parent' || key === 'nictype' || rest[0] === 'eth0' ? 'network' : null;
}

/** `limits.cpu: Give a number` is shown on the field itself, where the key in front says nothing more. */
export function fieldMessage(path: string, message: string): string {
  const prefix = `${path}: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

const plain = /^[\w@%+=:,./-]+$/;
/** A command line for a POSIX shell. */
export function shellLine(command: readonly string[]): string {
  return command.map((word) => (plain.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** The same request over the REST API. */
export function apiCall(request: CreateInstance): string {
  const body = JSON.stringify(request, null, 2);
  return [
    'curl --unix-socket /var/lib/stapes/unix.socket \\',
    '  -X POST http://stapes/1.0/instances \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${body.replaceAll("'", "'\\''")}'`,
  ].join('\n');
}
