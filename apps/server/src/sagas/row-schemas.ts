import { imageMetadataSchema } from '@stapes/contract/image';
import { instanceTypes } from '@stapes/contract/instance';
import { z } from 'zod';
import type { ImageRow, InstanceRow, NetworkRow, PoolRow, SnapshotRow } from '../store/store.ts';
import type { PoolRef } from '@stapes/runtime/storage/driver';
import type { Requestor } from '../services/lifecycle.ts';

/** Rows as they lie in the params of a saga. */
const strings = z.record(z.string(), z.string());
const devices = z.record(z.string(), strings);
const phase = z.enum(['creating', 'ready', 'deleting']);

export const instanceRowSchema: z.ZodType<InstanceRow> = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string(),
  description: z.string(),
  type: z.enum(instanceTypes),
  architecture: z.string(),
  ephemeral: z.boolean(),
  profiles: z.array(z.string()),
  config: strings,
  devices,
  phase,
  desired: z.enum(['running', 'stopped']),
  poolId: z.string(),
  volumeId: z.string(),
  imageFingerprint: z.string().nullable(),
  metadata: imageMetadataSchema.nullable(),
  templates: strings,
  createdAtMs: z.number(),
  lastUsedAtMs: z.number(),
});

export const snapshotRowSchema: z.ZodType<SnapshotRow> = z.object({
  id: z.string(),
  instanceId: z.string(),
  name: z.string(),
  description: z.string(),
  config: strings,
  devices,
  profiles: z.array(z.string()),
  ephemeral: z.boolean(),
  phase,
  createdAtMs: z.number(),
  expiresAtMs: z.number().nullable(),
});

export const imageRowSchema: z.ZodType<ImageRow> = z.object({
  fingerprint: z.string(),
  filename: z.string(),
  sizeBytes: z.number(),
  type: z.enum(instanceTypes),
  architecture: z.string(),
  public: z.boolean(),
  cached: z.boolean(),
  properties: strings,
  metadata: imageMetadataSchema,
  templates: strings,
  split: z.boolean(),
  phase,
  createdAtMs: z.number(),
  uploadedAtMs: z.number(),
  expiresAtMs: z.number().nullable(),
  lastUsedAtMs: z.number().nullable(),
});

export const networkRowSchema: z.ZodType<NetworkRow> = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  type: z.literal('bridge'),
  config: strings,
  phase,
});

export const poolRowSchema: z.ZodType<PoolRow> = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  driver: z.string(),
  config: strings,
  phase,
});

export const poolRefSchema: z.ZodType<PoolRef> = z.object({ id: z.string(), driver: z.string(), config: strings });

export const requestorSchema: z.ZodType<Requestor> = z.object({
  username: z.string(),
  protocol: z.string(),
  address: z.string(),
});

/** What is needed to take a NIC out of its network again. */
export const portSchema = z.object({
  network: z.object({ id: z.string(), name: z.string(), interfaceName: z.string() }),
  portId: z.string(),
  hostName: z.string(),
  hwaddr: z.string(),
});
export type Port = z.infer<typeof portSchema>;
