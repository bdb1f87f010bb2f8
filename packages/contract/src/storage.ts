import { z } from 'zod';
import { configSchema, type Config } from './instance.ts';
import { poolNameSchema } from './names.ts';

export interface StoragePool {
  name: string;
  description: string;
  driver: string;
  status: 'Created' | 'Pending' | 'Errored' | 'Unknown' | 'Unavailable';
  config: Config;
  used_by: string[];
  locations: string[];
}
/** Bytes and inodes. */
export interface StoragePoolResources {
  space: { used: number; total: number };
  inodes: { used: number; total: number };
}
export interface StorageVolume {
  name: string;
  type: 'container' | 'virtual-machine' | 'image' | 'custom';
  content_type: 'filesystem' | 'block' | 'iso';
  description: string;
  config: Config;
  pool: string;
  project: string;
  location: string;
  created_at: string;
  used_by: string[];
}
export const putStoragePoolSchema = z.object({
  description: z.string().max(4096).optional(),
  config: configSchema.nullish(),
});
export type PutStoragePool = z.infer<typeof putStoragePoolSchema>;
export const createStoragePoolSchema = putStoragePoolSchema.extend({
  name: poolNameSchema,
  driver: z.string().max(32),
});
export type CreateStoragePool = z.infer<typeof createStoragePoolSchema>;
