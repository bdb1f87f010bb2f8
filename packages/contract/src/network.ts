import { z } from 'zod';
import { configSchema, type Config, type InterfaceState } from './instance.ts';
import { networkNameSchema } from './names.ts';

export interface Network {
  name: string;
  description: string;
  /** `bridge` for ours; `physical`, `loopback`, `unknown` ... for interfaces that we only see. */
  type: string;
  managed: boolean;
  status: 'Created' | 'Pending' | 'Errored' | 'Unknown' | '';
  config: Config;
  used_by: string[];
  locations: string[];
  project: string;
}
export interface NetworkLease {
  hostname: string;
  hwaddr: string;
  address: string;
  type: 'static' | 'dynamic' | 'gateway';
  location: string;
  project: string;
}
export interface NetworkState extends Omit<InterfaceState, 'host_name'> {
  bridge: {
    id: string;
    stp: boolean;
    forward_delay: number;
    vlan_default: number;
    vlan_filtering: boolean;
    upper_devices: string[];
  } | null;
}
export const putNetworkSchema = z.object({
  description: z.string().max(4096).optional(),
  config: configSchema.nullish(),
});
export type PutNetwork = z.infer<typeof putNetworkSchema>;
export const createNetworkSchema = putNetworkSchema.extend({
  name: networkNameSchema,
  type: z.union([z.literal('bridge'), z.literal('')]).optional(),
});
export type CreateNetwork = z.infer<typeof createNetworkSchema>;
