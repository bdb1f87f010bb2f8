import { z } from 'zod';
import {
  aliasNameSchema,
  deviceNameSchema,
  fingerprintPrefixSchema,
  instanceNameSchema,
  profileNameSchema,
  snapshotNameSchema,
} from './names.ts';

/** Shapes of an instance are those of the Incus REST API (`/1.0/instances`), used unchanged by both doors and by the dashboard. */

export const instanceTypes = ['container', 'virtual-machine'] as const;
export type InstanceType = (typeof instanceTypes)[number];

export const instanceStatuses = ['Running', 'Stopped', 'Frozen', 'Starting', 'Stopping', 'Error'] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];

/** Config values travel as strings; key rules are in the registry (`config-keys/`). */
export const configSchema = z.record(z.string().max(255), z.string().max(1024 * 1024));
export type Config = Record<string, string>;
export const deviceSchema = z.record(z.string().max(255), z.string().max(65536));
export type Device = Record<string, string>;
export const devicesSchema = z.record(deviceNameSchema, deviceSchema);
export type Devices = Record<string, Device>;

export interface Instance {
  name: string;
  description: string;
  type: InstanceType;
  architecture: string;
  status: InstanceStatus;
  status_code: number;
  ephemeral: boolean;
  stateful: boolean;
  profiles: string[];
  config: Config;
  devices: Devices;
  expanded_config: Config;
  expanded_devices: Devices;
  /** RFC 3339, UTC. */
  created_at: string;
  last_used_at: string;
  location: string;
  project: string;
}

export interface InterfaceAddress {
  family: 'inet' | 'inet6';
  address: string;
  netmask: string;
  scope: 'global' | 'link' | 'local';
}
export interface InterfaceState {
  addresses: InterfaceAddress[];
  counters: {
    bytes_received: number;
    bytes_sent: number;
    packets_received: number;
    packets_sent: number;
    errors_received: number;
    errors_sent: number;
    packets_dropped_outbound: number;
    packets_dropped_inbound: number;
  };
  hwaddr: string;
  host_name: string;
  mtu: number;
  state: 'up' | 'down';
  type: 'broadcast' | 'loopback' | 'point-to-point' | 'unknown';
}
/** Sizes in bytes, `cpu.usage` in nanoseconds, `pid` 0 when stopped. */
export interface InstanceState {
  status: InstanceStatus;
  status_code: number;
  cpu: { usage: number; allocated_time: number };
  disk: Record<string, { usage: number; total: number }>;
  memory: { usage: number; usage_peak: number; total: number; swap_usage: number; swap_usage_peak: number };
  network: Record<string, InterfaceState>;
  pid: number;
  processes: number;
  started_at: string;
}

export interface Snapshot {
  name: string;
  description: string;
  architecture: string;
  config: Config;
  devices: Devices;
  expanded_config: Config;
  expanded_devices: Devices;
  created_at: string;
  /** `0001-01-01T00:00:00Z` when it does not expire. */
  expires_at: string;
  last_used_at: string;
  ephemeral: boolean;
  profiles: string[];
  stateful: boolean;
  size: number;
}

export interface InstanceFull extends Instance {
  backups: null;
  snapshots: Snapshot[];
  state: InstanceState;
}

export const noTime = '0001-01-01T00:00:00Z';

const baseFields = {
  architecture: z.string().max(64).optional(),
  description: z.string().max(4096).optional(),
  ephemeral: z.boolean().optional(),
  profiles: z.array(profileNameSchema).max(64).nullish(),
  config: configSchema.nullish(),
  devices: devicesSchema.nullish(),
};

/** `source` of a create. `alias` may be an alias; `fingerprint` may be a unique start of one. */
export const instanceSourceSchema = z.object({
  type: z.enum(['image', 'none', 'copy']),
  alias: z.union([aliasNameSchema, z.literal('')]).optional(),
  /** Clients send an alias here, too. */
  fingerprint: z.union([fingerprintPrefixSchema, aliasNameSchema, z.literal('')]).optional(),
  /** For `copy`: `instance` or `instance/snapshot`. */
  source: z.string().max(160).optional(),
  instance_only: z.boolean().optional(),
  /** Old name of `instance_only` that LXD clients send. */
  container_only: z.boolean().optional(),
  /** Stapes only: build this recipe first when no image with its alias is there (dashboard's "offered" images). */
  recipe: z.string().max(64).optional(),
});
export type InstanceSource = z.infer<typeof instanceSourceSchema>;

export const createInstanceSchema = z.object({
  ...baseFields,
  /** Empty or absent: the server makes one up. */
  name: z.union([instanceNameSchema, z.literal('')]).optional(),
  type: z.union([z.enum(instanceTypes), z.literal('')]).optional(),
  source: instanceSourceSchema,
  start: z.boolean().optional(),
  stateful: z.boolean().optional(),
});
export type CreateInstance = z.infer<typeof createInstanceSchema>;

/** PUT: absent keys are removed. With `restore` it restores that snapshot instead. */
export const putInstanceSchema = z.object({
  ...baseFields,
  restore: z.string().max(160).optional(),
  stateful: z.boolean().optional(),
});
export type PutInstance = z.infer<typeof putInstanceSchema>;
/** PATCH: config merges per key, devices per name, lists are replaced. `null` config values are not part of the API. */
export const patchInstanceSchema = z.object({ ...baseFields });
export type PatchInstance = z.infer<typeof patchInstanceSchema>;

export const instanceActions = ['start', 'stop', 'restart', 'freeze', 'unfreeze'] as const;
export type InstanceAction = (typeof instanceActions)[number];
export const putInstanceStateSchema = z.object({
  action: z.enum(instanceActions),
  /** Seconds; -1 waits as the server sees fit (30 s, then an error unless `force`). */
  timeout: z.number().int().min(-1).max(86400).optional(),
  force: z.boolean().optional(),
  stateful: z.boolean().optional(),
});
export type PutInstanceState = z.infer<typeof putInstanceStateSchema>;

export const createSnapshotSchema = z.object({
  name: z.union([snapshotNameSchema, z.literal('')]).optional(),
  stateful: z.boolean().optional(),
  expires_at: z.string().max(64).nullish(),
});
export type CreateSnapshot = z.infer<typeof createSnapshotSchema>;

export const execSchema = z.object({
  command: z.array(z.string().max(131072)).min(1).max(4096),
  environment: z.record(z.string(), z.string()).nullish(),
  'wait-for-websocket': z.boolean().optional(),
  interactive: z.boolean().optional(),
  'record-output': z.boolean().optional(),
  width: z.number().int().min(0).max(65535).optional(),
  height: z.number().int().min(0).max(65535).optional(),
  user: z.number().int().min(0).max(4294967294).optional(),
  group: z.number().int().min(0).max(4294967294).optional(),
  cwd: z.string().max(4096).optional(),
});
export type ExecRequest = z.infer<typeof execSchema>;
