import { z } from 'zod';
import { configSchema, devicesSchema, type Config, type Devices } from './instance.ts';
import { profileNameSchema } from './names.ts';

export interface Profile {
  name: string;
  description: string;
  config: Config;
  devices: Devices;
  used_by: string[];
  project: string;
}
export const putProfileSchema = z.object({
  description: z.string().max(4096).optional(),
  config: configSchema.nullish(),
  devices: devicesSchema.nullish(),
});
export type PutProfile = z.infer<typeof putProfileSchema>;
export const createProfileSchema = putProfileSchema.extend({ name: profileNameSchema });
export type CreateProfile = z.infer<typeof createProfileSchema>;
