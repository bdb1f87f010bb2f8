import { z } from 'zod';
import { aliasNameSchema, profileNameSchema } from './names.ts';
import type { InstanceType } from './instance.ts';

export interface ImageAlias {
  name: string;
  description: string;
}
export interface ImageAliasEntry extends ImageAlias {
  type: InstanceType;
  /** Fingerprint. */
  target: string;
}
export interface Image {
  fingerprint: string;
  filename: string;
  /** Bytes as stored. */
  size: number;
  type: InstanceType;
  architecture: string;
  public: boolean;
  cached: boolean;
  auto_update: boolean;
  properties: Record<string, string>;
  aliases: ImageAlias[];
  profiles: string[];
  created_at: string;
  expires_at: string;
  last_used_at: string;
  uploaded_at: string;
  project: string;
}
/** A recipe of the local image builder, offered by the dashboard even before it was built. */
export interface ImageRecipe {
  /** For example `debian/12`; also the alias that a build gets. */
  name: string;
  description: string;
  os: string;
  release: string;
  type: InstanceType;
  /** Fingerprint of the built image, or null. */
  built: string | null;
  /** True when a build that was prepared on this host can be imported at once. */
  prepared: boolean;
  /** Packages it needs a Debian mirror for, or false when it is made from this host alone. */
  needs_mirror: boolean;
}
export const putImageSchema = z.object({
  public: z.boolean().optional(),
  auto_update: z.boolean().optional(),
  properties: z.record(z.string().max(255), z.string().max(4096)).nullish(),
  expires_at: z.string().max(64).nullish(),
  profiles: z.array(profileNameSchema).nullish(),
});
export type PutImage = z.infer<typeof putImageSchema>;
export const createAliasSchema = z.object({
  name: aliasNameSchema,
  description: z.string().max(4096).optional(),
  target: z.string().max(64),
  type: z.string().max(32).optional(),
});
export type CreateAlias = z.infer<typeof createAliasSchema>;

/** metadata.yaml of an image. */
export const imageMetadataSchema = z.object({
  architecture: z.string().max(64),
  creation_date: z.number().nonnegative(),
  expiry_date: z.number().nonnegative().optional(),
  properties: z.record(z.string().max(255), z.coerce.string().max(4096)).nullish(),
  templates: z
    .record(
      z.string().max(4096),
      z.object({
        when: z.array(z.enum(['create', 'copy', 'start', 'rename'])).default([]),
        template: z.string().max(255),
        create_only: z.boolean().optional(),
        uid: z.coerce.string().optional(),
        gid: z.coerce.string().optional(),
        mode: z.coerce.string().optional(),
        properties: z.record(z.string(), z.coerce.string()).nullish(),
      }),
    )
    .nullish(),
});
export type ImageMetadata = z.infer<typeof imageMetadataSchema>;
