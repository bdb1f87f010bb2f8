import { z } from 'zod';
import { imageMetadataSchema } from '@stapes/contract/image';
import { instanceTypes } from '@stapes/contract/instance';

/** Shapes of columns that several tables share. Looser than the API's: what was stored once must stay readable. */
export const strings = z.record(z.string(), z.string());
export const deviceMap = z.record(z.string(), strings);
export const phase = z.enum(['creating', 'ready', 'deleting']);
export const instanceType = z.enum(instanceTypes);
export const metadata = imageMetadataSchema;
export const time = z.number().int();
